import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";

import type { Cluster } from "./find-cluster.ts";
import { programOf } from "./postgres-binaries.ts";
import { watchServer } from "./postmaster.ts";
import { runProgram } from "./run-program.ts";

/** PostgreSQL's settings by name. */
export type ServerSettings = Readonly<Record<string, string>>;

/** The server's settings. `fsync` and `synchronous_commit` are on by default, so data survive a power cut. */
const SETTINGS: ServerSettings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  shared_buffers: "256MB",
  max_wal_size: "2GB",
  random_page_cost: "1.1",
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  log_checkpoints: "off",
};
/** Long, since recovery after a crash may take minutes. */
const START_TIMEOUT_S = 300;

/**
 * Starts the server, on a free port by default, and waits until it accepts connections.
 * @param overrides settings that differ from ours
 * @throws Error with the fatal message of its log, for example when another process started one meanwhile
 */
export async function startServer(cluster: Cluster, overrides: ServerSettings = {}): Promise<void> {
  const { port = String(await findFreePort()) } = overrides;
  const settings = { ...SETTINGS, ...overrides, port };
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  try {
    await control(cluster, [
      "start",
      "--wait",
      `--timeout=${START_TIMEOUT_S}`,
      `--log=${cluster.logFile}`,
      `--options=${options.join(" ")}`,
    ]);
  } catch (cause) {
    throw new Error(await lastComplaint(cluster.logFile, String(cause)), { cause });
  }
}

/** Stops the server: ends all connections, writes all data to disk, and waits until the process is gone. */
export async function stopServer(cluster: Cluster): Promise<void> {
  // Not `--wait`, which would also wait for the end of a server that another process starts right after this one.
  const isGone = await watchServer(cluster.dataFolder);
  await control(cluster, ["stop", "--mode=fast", "--no-wait"]);
  await isGone();
}

/** Runs `pg_ctl`, which starts the server in a session of its own on every platform. */
async function control(cluster: Cluster, args: readonly string[]): Promise<void> {
  await runProgram(
    programOf(cluster.binaries, "pg_ctl"),
    ["--silent", `--pgdata=${cluster.dataFolder}`, ...args],
    cluster.user,
  );
}

async function lastComplaint(logFile: string, otherwise: string): Promise<string> {
  const log = await readFile(logFile, "utf8").catch(() => "");
  const complaint = log.split("\n").findLast((line) => / (?:FATAL|PANIC): /.test(line));
  return complaint?.replace(/^.*?(?=FATAL|PANIC)/, "") ?? otherwise;
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

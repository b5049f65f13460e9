import { join } from "node:path";

import { createEmbeddedPostgres } from "../../src/adapters/embedded/create-embedded-postgres.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

export interface PostgresServer {
  /** The connection string of one of its databases; its user may create others. */
  urlOf(database: string): string;
  stop(): Promise<void>;
}

/** Nothing here outlives the test run, so nothing waits for the disk. */
const SETTINGS = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  shared_buffers: "128MB",
};

/** Starts a real, empty PostgreSQL on a free port, with its data in a temporary folder. */
export async function startPostgresServer(): Promise<PostgresServer> {
  const folder = await createTemporaryFolder("postgres");
  const server = createEmbeddedPostgres({
    dataDir: join(folder.path, "data"),
    logger: createSilentLogger(),
    settings: SETTINGS,
  });
  await server.start();
  return {
    urlOf(database) {
      const url = new URL(server.url);
      url.pathname = `/${database}`;
      return url.href;
    },
    async stop() {
      await server.stop();
      await folder.remove();
    },
  };
}

import { spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { createEmbeddedPostgres } from "../src/adapters/embedded/create-embedded-postgres.ts";
import { createSilentLogger } from "../src/kernel/logger.ts";

/** The service under measure in a process of its own, and a connection to its database for the floors. */
export interface BenchService {
  readonly url: string;
  readonly pool: pg.Pool;
  stop(): Promise<void>;
}

/** Starts an embedded PostgreSQL with its usual settings, and the real command line on it, all cities seeded. */
export async function startBenchService(): Promise<BenchService> {
  const folder = await mkdtemp(join(tmpdir(), "powercrud-bench-"));
  // As root, PostgreSQL runs as a user of its own, who must be able to enter.
  await chmod(folder, 0o755);
  const postgres = createEmbeddedPostgres({ dataDir: folder, logger: createSilentLogger() });
  await postgres.start();
  const child = spawn(process.execPath, ["--import", "tsx", "src/cli/powercrud.ts", "start"], {
    env: { ...process.env, PORT: "0", DATABASE_URL: postgres.url, POWERCRUD_LOG_LEVEL: "warn" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const ready = /^ready (http:\S+)$/.exec(line)?.[1];
      if (ready !== undefined) {
        resolve(ready);
      }
    });
    void exited.then(() => reject(new Error("the service ended before it was ready")));
  });
  const pool = new pg.Pool({ connectionString: postgres.url, max: 4 });
  return {
    url,
    pool,
    async stop() {
      child.kill("SIGTERM");
      await exited;
      await pool.end();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

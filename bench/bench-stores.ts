import { join } from "node:path";
import { Redis } from "ioredis";
import pg from "pg";
import { createEmbeddedPostgres } from "../src/adapters/embedded/create-embedded-postgres.ts";
import type { BackendName } from "../src/core/processes/process-register.ts";
import { createSilentLogger } from "../src/kernel/logger.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { createTemporaryFolder } from "../test/support/temporary-folder.ts";
import { runBenchProcess } from "./bench-process.ts";

/** The measured stores, on this machine's loopback only. */
export interface BenchStores {
  /** A seeded database, one per backend. */
  databaseUrl(backend: BackendName): string;
  readonly redisUrl: string;
  /** Their versions, for the report. */
  readonly versions: string;
  stop(): Promise<void>;
}

const BACKENDS: readonly BackendName[] = ["redis", "postgres"];

/**
 * Starts an embedded PostgreSQL and a redis-server, and seeds all cities. PostgreSQL has its usual settings, except that it
 * records the time of each commit, which latencies are measured from.
 */
export async function startBenchStores(): Promise<BenchStores> {
  const folder = await createTemporaryFolder("bench");
  const postgres = createEmbeddedPostgres({
    dataDir: join(folder.path, "data"),
    logger: createSilentLogger(),
    settings: { track_commit_timestamp: "on" },
  });
  await postgres.start();
  const redis = await startRedisServer();
  const stop = async (): Promise<void> => {
    await redis.stop();
    await postgres.stop();
    await folder.remove();
  };
  const databaseUrl = (name: string): string => Object.assign(new URL(postgres.url), { pathname: name }).href;
  try {
    await runBenchProcess(["seed"], { DATABASE_URL: postgres.url });
    const seeded = new URL(postgres.url).pathname.slice(1);
    await withClient(databaseUrl("postgres"), async (client) => {
      for (const backend of BACKENDS) {
        await client.query(`CREATE DATABASE bench_${backend} TEMPLATE ${seeded}`);
      }
    });
    const versions = await readVersions(postgres.url, redis.url);
    return { databaseUrl: (backend) => databaseUrl(`bench_${backend}`), redisUrl: redis.url, versions, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function readVersions(databaseUrl: string, redisUrl: string): Promise<string> {
  const redis = new Redis(redisUrl);
  const info = await redis.info("server");
  redis.disconnect();
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ version: string }>(
      "SELECT current_setting('server_version') AS version",
    );
    return `PostgreSQL ${rows[0]?.version ?? "?"}, Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? "?"}`;
  });
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

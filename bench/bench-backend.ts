import { Redis } from "ioredis";
import type pg from "pg";
import { completeConfig } from "../src/config/config.ts";
import { createBackend } from "../src/compose/create-backend.ts";
import { createPool } from "../src/adapters/postgres/create-pool.ts";
import { createPgSession } from "../src/adapters/postgres/pg-session.ts";
import { createPgUnitOfWork } from "../src/adapters/postgres/pg-unit-of-work.ts";
import { createPostgresProcessRegister } from "../src/adapters/postgres/postgres-process-register.ts";
import { createPostgresTaskStore } from "../src/adapters/postgres/postgres-task-store.ts";
import type { LockStore } from "../src/core/locks/lock-store.ts";
import type { BackendName } from "../src/core/processes/process-register.ts";
import type { TaskStore } from "../src/core/tasks/task-store.ts";
import type { Transaction, UnitOfWork } from "../src/core/transactions/transaction.ts";
import { createId } from "../src/kernel/ids.ts";
import { createSilentLogger } from "../src/kernel/logger.ts";
import type { BenchStores } from "./bench-stores.ts";

/** The locks as the service wires them, in this process; nothing else of the deployment may run meanwhile. */
export interface BenchBackend {
  readonly name: BackendName;
  readonly pool: pg.Pool;
  readonly redis: Redis;
  readonly unitOfWork: UnitOfWork;
  readonly locks: LockStore;
  readonly tasks: TaskStore;
  close(): Promise<void>;
}

/** Joins the deployment of the backend's database as its only process. */
export async function openBenchBackend(stores: BenchStores, name: BackendName): Promise<BenchBackend> {
  const databaseUrl = stores.databaseUrl(name);
  const logger = createSilentLogger();
  const pool = createPool({ connectionString: databaseUrl, applicationName: "bench", logger });
  const session = createPgSession(pool);
  const unitOfWork = createPgUnitOfWork({ pool, logger });
  const register = createPostgresProcessRegister({ session, unitOfWork });
  const now = new Date();
  const id = createId(now);
  await register.enlist(
    { id, role: "serve", backend: name, host: "bench", pid: process.pid, concurrency: 0, startedAt: now },
    now,
    now,
  );
  const config = completeConfig({ redisUrl: stores.redisUrl });
  const chosen = { name, reason: "bench" };
  const backend = createBackend({ chosen, config, databaseUrl, session, unitOfWork, logger });
  await backend.ready();
  // Builds the lock table where there is none yet.
  await backend.locks.listOwners();
  const redis = new Redis(stores.redisUrl);
  return {
    name,
    pool,
    redis,
    unitOfWork,
    locks: backend.locks,
    tasks: createPostgresTaskStore({ session }),
    async close() {
      await register.withdraw(id);
      await backend.close();
      redis.disconnect();
      await pool.end();
    },
  };
}

/** In words: how many statements to PostgreSQL and scripts to Redis a deed with locks takes within its transaction. */
export async function countRoundTrips(
  { redis }: Pick<BenchBackend, "redis">,
  unitOfWork: UnitOfWork,
  deed: (transaction: Transaction) => Promise<unknown>,
): Promise<string> {
  let statements = 0;
  const before = await countScripts(redis);
  await unitOfWork.run((transaction) => {
    const { session } = transaction;
    const counting: Transaction["session"] = session && {
      query(text, values) {
        statements += 1;
        return session.query(text, values);
      },
    };
    return deed({ ...transaction, session: counting });
  });
  const scripts = (await countScripts(redis)) - before;
  return [...(statements > 0 ? [`${statements} SQL`] : []), ...(scripts > 0 ? [`${scripts} Lua`] : [])].join(
    " + ",
  );
}

/** As the server counts them. */
async function countScripts(redis: Redis): Promise<number> {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info("commandstats"))?.[1] ?? 0);
}

import { createPostgresTaskQueue } from "../../src/adapters/bullmq/create-postgres-task-queue.ts";
import { createPool } from "../../src/adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createPgUnitOfWork } from "../../src/adapters/postgres/connection/pg-unit-of-work.ts";
import { createPostgresEventBus } from "../../src/adapters/postgres/events/postgres-event-bus.ts";
import { createPostgresEventLog } from "../../src/adapters/postgres/events/postgres-event-log.ts";
import { createPostgresLockStore } from "../../src/adapters/postgres/locks/postgres-lock-store.ts";
import { createQuickSteps } from "../../src/adapters/postgres/tasks/quick-steps.ts";
import { createPostgresTaskStore } from "../../src/adapters/postgres/tasks/postgres-task-store.ts";
import type { LockStore } from "../../src/core/locks/lock-store.ts";
import type { QuickSteps } from "../../src/core/tasks/settle/quick-steps.ts";
import { requiredSession } from "../../src/core/transactions/transaction.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { createTestDatabase } from "../support/test-database.ts";
import type { World } from "./world.ts";

/** A world with its database, and with locks. */
export interface PostgresWorld extends World {
  readonly locks: LockStore;
  readonly steps: QuickSteps;
  readonly url: string;
  readonly pool: ReturnType<typeof createPool>;
}

/** Takes the fence as every chunk writer does. */
const FINISH_CHUNK = `
  WITH fence AS MATERIALIZED (SELECT id FROM powercrud.task WHERE id = $1 FOR SHARE)
  UPDATE powercrud.chunk SET status = 'DONE', succeeded = $3, failed = $4, skipped = $5
  WHERE task_id = (SELECT id FROM fence) AND number = $2 AND status = 'PENDING'`;

const COUNT_WAITING = `
  SELECT count(*)::integer AS count FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'`;

export async function createPostgresWorld(): Promise<PostgresWorld> {
  const database = await createTestDatabase();
  const world = createWorldAt(database.url);
  return {
    ...world,
    async close() {
      await world.close();
      await database.drop();
    },
  };
}

/** A world at any address, even one where no server answers. */
export function createWorldAt(url: string): PostgresWorld {
  const logger = createSilentLogger();
  const pool = createPool({
    connectionString: url,
    applicationName: "contract",
    logger,
    maxConnections: 30,
  });
  const session = createPgSession(pool);
  const bus = createPostgresEventBus({
    session,
    connectionString: url,
    applicationName: "contract listener",
    logger,
  });
  const queue = createPostgresTaskQueue({ databaseUrl: url, concurrency: 10, logger });
  return {
    url,
    pool,
    unitOfWork: createPgUnitOfWork({ pool, logger }),
    tasks: createPostgresTaskStore({ session }),
    log: createPostgresEventLog({ session }),
    locks: createPostgresLockStore({ session }),
    steps: createQuickSteps({ session, logger }),
    bus,
    queue,
    async finishChunk(transaction, taskId, number, { succeeded, failed, skipped }) {
      await requiredSession(transaction).query(FINISH_CHUNK, [taskId, number, succeeded, failed, skipped]);
    },
    async untilWaiting(wanted = 1) {
      const deadline = Date.now() + 15_000;
      for (let count = 0; count < wanted;) {
        const [row] = await session.query<{ count: number }>(COUNT_WAITING);
        count = row?.count ?? 0;
        if (Date.now() > deadline) {
          throw new Error(`${count} transactions wait for another one, not ${wanted}`);
        }
      }
    },
    async close() {
      await queue.close();
      await bus.close();
      await pool.end();
    },
  };
}

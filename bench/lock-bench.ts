import type pg from "pg";
import { createPool } from "../src/adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../src/adapters/postgres/connection/pg-session.ts";
import { createPgUnitOfWork } from "../src/adapters/postgres/connection/pg-unit-of-work.ts";
import { createPostgresLockStore } from "../src/adapters/postgres/locks/postgres-lock-store.ts";
import { createPostgresTaskStore } from "../src/adapters/postgres/tasks/postgres-task-store.ts";
import type { LockStore } from "../src/core/locks/lock-store.ts";
import type { TaskStore } from "../src/core/tasks/task-store.ts";
import type { Transaction, UnitOfWork } from "../src/core/transactions/transaction.ts";
import { createSilentLogger } from "../src/kernel/logger.ts";
import type { BenchStores } from "./bench-stores.ts";

/** The service's locks in this process. No other process of the deployment may run meanwhile. */
export interface LockBench {
  readonly pool: pg.Pool;
  readonly unitOfWork: UnitOfWork;
  readonly locks: LockStore;
  readonly tasks: TaskStore;
  close(): Promise<void>;
}

export function openLockBench(stores: BenchStores): LockBench {
  const logger = createSilentLogger();
  const connectionString = stores.databaseUrl("postgres");
  const pool = createPool({ connectionString, applicationName: "bench", logger });
  const session = createPgSession(pool);
  return {
    pool,
    unitOfWork: createPgUnitOfWork({ pool, logger }),
    locks: createPostgresLockStore({ session }),
    tasks: createPostgresTaskStore({ session }),
    close: () => pool.end(),
  };
}

/** The number of statements that the work sends within its transaction. */
export async function countStatements(
  unitOfWork: UnitOfWork,
  work: (transaction: Transaction) => Promise<unknown>,
): Promise<number> {
  let statements = 0;
  await unitOfWork.run((transaction) => {
    const { session } = transaction;
    const counting: Transaction["session"] = session && {
      query(text, values) {
        statements += 1;
        return session.query(text, values);
      },
    };
    return work({ ...transaction, session: counting });
  });
  return statements;
}

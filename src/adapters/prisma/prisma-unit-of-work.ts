import { createTransactionEffects } from "../../core/transactions/transaction-effects.ts";
import type { Transaction, UnitOfWork } from "../../core/transactions/transaction.ts";
import { AppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";
import { GIVEN_UP, isStatementTimeout } from "../../kernel/unavailable-error.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import type { PrismaPort, PrismaTransaction } from "./prisma-client-port.ts";
import { translatePrismaError } from "./prisma-unavailable.ts";

/** The options of {@link createPrismaUnitOfWork}. */
export interface PrismaUnitOfWorkOptions {
  readonly client: PrismaPort;
  readonly logger: Logger;
  /** How long to wait for a free connection, in ms. Default 5,000. */
  readonly maxWaitMs?: number;
  /** Finds the connection of a transaction, so that our own SQL can use it directly. */
  readonly leases: {
    run<T>(work: (leased: () => SqlSession) => Promise<T>): Promise<T>;
  };
  /** Called by whoever opens a transaction; what it returns is done first in the transaction. Default: nothing. */
  readonly beginning?: (() => (session: SqlSession) => Promise<void>) | undefined;
}

/**
 * The longest time that Prisma's timer accepts, 24 days. A transaction with all chunks of a task may take long, and the
 * database itself ends statements and transactions that make no progress.
 */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/** A unit of work that also gives adapters the client of each open transaction. */
export interface PrismaTransactions extends UnitOfWork {
  /** @throws TypeError for a transaction of another unit of work, which is a bug */
  clientOf(transaction: Transaction): PrismaTransaction;
}

/** READ COMMITTED transactions of the Prisma client, which other adapters on PostgreSQL share through `session`. */
export function createPrismaUnitOfWork(options: PrismaUnitOfWorkOptions): PrismaTransactions {
  const clients = new WeakMap<Transaction, PrismaTransaction>();
  const limits = {
    isolationLevel: "ReadCommitted",
    maxWait: options.maxWaitMs ?? 5_000,
    timeout: NO_TIMEOUT_MS,
  } as const;
  return {
    async run<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
      const begin = options.beginning?.();
      const effects = createTransactionEffects(options.logger);
      let value: T;
      try {
        value = await options.leases.run((leased) =>
          options.client.$transaction((client) => {
            const transaction: Transaction = {
              session: leased(),
              onCommit: effects.onCommit,
              onRollback: effects.onRollback,
            };
            clients.set(transaction, client);
            return begin === undefined ? work(transaction) : begin(leased()).then(() => work(transaction));
          }, limits),
        );
      } catch (error) {
        await effects.rolledBack();
        throw isStatementTimeout(error) ? givenUp(error) : translatePrismaError(error);
      }
      await effects.committed();
      return value;
    },
    clientOf(transaction) {
      const client = clients.get(transaction);
      if (client === undefined) {
        throw new TypeError("this transaction was not opened by the Prisma unit of work");
      }
      return client;
    },
  };
}

/** The statement timed out and nothing was changed, so the caller may try again, as with an unreachable database. */
function givenUp(cause: unknown): AppError {
  return new AppError("UNAVAILABLE", `${GIVEN_UP} Nothing was changed. Try again later.`, { cause });
}

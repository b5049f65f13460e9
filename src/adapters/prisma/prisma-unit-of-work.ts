import { createTransactionEffects } from "../../core/transactions/transaction-effects.ts";
import type { Transaction, UnitOfWork } from "../../core/transactions/transaction.ts";
import { AppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";
import { GIVEN_UP, isStatementTimeout } from "../../kernel/unavailable-error.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import type { PrismaPort, PrismaTransaction } from "./prisma-client-port.ts";
import { translatePrismaError } from "./prisma-unavailable.ts";

/** What transactions through Prisma need; each left-out member has the default that is documented here. */
export interface PrismaUnitOfWorkOptions {
  readonly client: PrismaPort;
  readonly logger: Logger;
  /** How long to wait for a free connection, in ms. Default 5,000. */
  readonly maxWaitMs?: number;
  /** Finds the connection that work takes, so that statements beside Prisma's go over it as they are. */
  readonly leases: {
    run<T>(work: (leased: () => SqlSession) => Promise<T>): Promise<T>;
  };
}

/**
 * What Prisma's engine takes for a timer: 24 days. A transaction that writes all or nothing takes as long as it takes,
 * and the database itself ends statements and transactions that stand still.
 */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/** The client behind each open transaction, for the adapters of this folder. */
export interface PrismaTransactions extends UnitOfWork {
  /** @throws TypeError for a transaction of another unit of work: a wiring fault */
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
            return work(transaction);
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

/** Nobody is to blame whom the client could name, and nothing was done: as where the database is out of reach. */
function givenUp(cause: unknown): AppError {
  return new AppError("UNAVAILABLE", `${GIVEN_UP} Nothing was changed. Try again later.`, { cause });
}

import type { PoolClient } from "pg";
import { AppError, isAppError } from "../../../kernel/app-error.ts";
import type { Logger } from "../../../kernel/logger.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import { createTransactionEffects } from "../../../core/transactions/transaction-effects.ts";
import type { Transaction, UnitOfWork } from "../../../core/transactions/transaction.ts";
import type { SessionSettings, ViewerSessions } from "../../../core/access/viewer-sessions.ts";
import { createPgSession } from "./pg-session.ts";
import { beginWith } from "./session-settings.ts";
import { isConnectionError, toUnavailableError } from "../../../kernel/unavailable-error.ts";

/** The part of pg's pool that transactions need. */
export interface ClientSource {
  connect(): Promise<PoolClient>;
}

/** A client checked out of the pool for one transaction. */
interface Lease {
  /** For the transaction's work; refuses when the transaction is over. */
  readonly session: SqlSession;
  begin(settings: SessionSettings | undefined): Promise<void>;
  commit(): Promise<void>;
  rollBack(): Promise<void>;
  /** Returns the client to the pool, or discards it if its connection broke. */
  release(): void;
}

/** Transactions on connections of a pool. */
export function createPgUnitOfWork(options: {
  readonly pool: ClientSource;
  readonly logger: Logger;
  /** Whose transactions they are. Default: nobody's, as those are that touch the engine's tables only. */
  readonly sessions?: Pick<ViewerSessions, "current"> | undefined;
}): UnitOfWork {
  return {
    async run<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
      const settings = options.sessions?.current();
      const lease = await leaseClient(options.pool);
      const { committed, rolledBack, onCommit, onRollback } = createTransactionEffects(options.logger);
      let value: T;
      try {
        await lease.begin(settings);
        value = await work({ session: lease.session, onCommit, onRollback });
        await lease.commit();
      } catch (error) {
        await lease.rollBack();
        lease.release();
        await rolledBack();
        throw error;
      }
      // Released before the effects run, since these may need a connection.
      lease.release();
      await committed();
      return value;
    },
  };
}

const BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED";

async function leaseClient(pool: ClientSource): Promise<Lease> {
  const client = await pool.connect().catch((error: unknown) => {
    throw toUnavailableError(error);
  });
  let isBroken = false;
  let isOver = false;
  // A connection may break between two statements. Without a listener that would end the process; the next statement
  // reports it.
  const onError = (): void => void (isBroken = true);
  client.on("error", onError);
  const noting = async <T>(sent: Promise<T>): Promise<T> => {
    try {
      return await sent;
    } catch (error) {
      isBroken ||= isConnectionError(error);
      throw toUnavailableError(error);
    }
  };
  const run = (text: string): Promise<{ command: string }> => noting(client.query(text));
  const inner = createPgSession(client);
  return {
    session: {
      async query(text, values) {
        if (isOver) {
          throw new TypeError("the transaction is over");
        }
        try {
          return await inner.query(text, values);
        } catch (error) {
          isBroken ||= isAppError(error, "UNAVAILABLE");
          throw error;
        }
      },
    },
    async begin(settings) {
      await (settings === undefined ? run(BEGIN) : noting(beginWith(client, settings, BEGIN)));
    },
    async commit() {
      isOver = true;
      const { command } = await run("COMMIT");
      // PostgreSQL's answer to COMMIT if an earlier statement failed and the error was swallowed.
      if (command === "ROLLBACK") {
        throw new AppError("INTERNAL", "The transaction was rolled back: one of its statements had failed.");
      }
    },
    async rollBack() {
      isOver = true;
      if (!isBroken) {
        await run("ROLLBACK").catch(() => void (isBroken = true));
      }
    },
    release() {
      client.removeListener("error", onError);
      client.release(isBroken);
    },
  };
}

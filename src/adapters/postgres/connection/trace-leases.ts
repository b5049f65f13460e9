import { AsyncLocalStorage } from "node:async_hooks";
import type pg from "pg";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import { createPgSession } from "./pg-session.ts";

/** Finds out which connections other code takes from a pool. */
export interface LeaseTrace {
  /**
   * Runs work that takes connections from the pool. `leased` returns a session over the first of them, which refuses
   * statements once that connection is back in the pool.
   */
  run<T>(work: (leased: () => SqlSession) => Promise<T>): Promise<T>;
}

interface Lease {
  session?: SqlSession;
}

/**
 * Gives access to the connection of a Prisma transaction. Prisma's driver adapter hides it, and passes on only a part of
 * PostgreSQL's errors. The pool is ours, so the asynchronous context shows which connection the transaction took.
 */
export function traceLeases(pool: pg.Pool): LeaseTrace {
  const leases = new AsyncLocalStorage<Lease>();
  const held = new WeakMap<pg.PoolClient, Lease>();
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
  const traced = async (): Promise<pg.PoolClient> => {
    const client = await connect();
    const lease = leases.getStore();
    if (lease !== undefined && lease.session === undefined) {
      held.set(client, lease);
      lease.session = leasedSession(client, () => held.get(client) === lease);
    }
    return client;
  };
  const withCallback = pool.connect.bind(pool) as (callback: unknown) => void;
  pool.connect = ((callback?: unknown) =>
    callback === undefined ? traced() : withCallback(callback)) as typeof pool.connect;
  pool.on("release", (_error, client) => void held.delete(client));
  return {
    run(work) {
      const lease: Lease = {};
      return leases.run(lease, () =>
        work(() => {
          if (lease.session === undefined) {
            throw new TypeError("no connection was taken from the pool");
          }
          return lease.session;
        }),
      );
    },
  };
}

function leasedSession(client: pg.PoolClient, isHeld: () => boolean): SqlSession {
  const session = createPgSession(client);
  return {
    async query(text, values) {
      if (!isHeld()) {
        throw new TypeError("the transaction is over");
      }
      return session.query(text, values);
    },
  };
}

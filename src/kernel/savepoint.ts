import type { SqlSession } from "./sql-session.ts";

/** A part of a transaction that can be undone alone. It ends in one of two ways. */
export interface Savepoint {
  /** Keeps what was done since. */
  keep(): Promise<void>;
  /** Undoes what was done since. It also ends savepoints inside, which an error left open. */
  takeBack(): Promise<void>;
}

/**
 * Begins a part of the transaction. A savepoint that is left open makes every later access to a row slower.
 * @param name no other open savepoint of the transaction has it: one inside would be taken back instead
 */
export async function setSavepoint(session: SqlSession, name: string): Promise<Savepoint> {
  await session.query(`SAVEPOINT ${name}`);
  return {
    async keep() {
      await session.query(`RELEASE SAVEPOINT ${name}`);
    },
    async takeBack() {
      await session.query(`ROLLBACK TO SAVEPOINT ${name}; RELEASE SAVEPOINT ${name}`);
    },
  };
}

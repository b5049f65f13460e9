import type { Transaction } from "../transactions/transaction.ts";
import type { RecordKey } from "./record-key.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { WhereFilter } from "../access/access.ts";
import type { AppRecord } from "./write-hooks.ts";

/** Column values and relation changes by field name, typed as Prisma wants them. */
export type RecordData = Readonly<Record<string, unknown>>;

/** A write that the database's rules refuse is a value, not an exception. */
export type WriteResult = { readonly record: unknown } | { readonly problem: RecordProblem };

/**
 * Writes single records within a transaction. `shape` says what to hand back, in the record reader's own terms
 * (Prisma's select or include); the port passes it through.
 */
export interface RecordWriter {
  create(transaction: Transaction, model: string, data: RecordData, shape: unknown): Promise<WriteResult>;
  update(
    transaction: Transaction,
    model: string,
    key: RecordKey,
    data: RecordData,
    shape: unknown,
  ): Promise<WriteResult>;
  delete(transaction: Transaction, model: string, key: RecordKey, shape: unknown): Promise<WriteResult>;
  /** The record within the scope, locked against other writers until the transaction ends; undefined if there is none. */
  lockForWrite(
    transaction: Transaction,
    model: string,
    key: RecordKey,
    scope: WhereFilter | undefined,
    shape: unknown,
  ): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** The record with all its columns, locked likewise; undefined if there is none. */
  readWhole(transaction: Transaction, model: string, key: RecordKey): Promise<AppRecord | undefined>;
}

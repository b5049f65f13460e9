import type { Json } from "../../kernel/json.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { ColumnField, Model } from "./model.ts";
import type { RecordProblem } from "../refusals/problems.ts";

/** What a database error in the app's own code means for the write. */
export type DatabaseFault =
  /** The database refused what the app wanted to write. */
  | { readonly kind: "REFUSED"; readonly problem: RecordProblem }
  /** The transaction cannot go on. The error must be thrown, so that the whole write is tried again. */
  | { readonly kind: "LOST"; readonly error: unknown }
  /** The app asked for something impossible. */
  | { readonly kind: "WRONG" };

/** Lets the app's own code take part in a transaction. */
export interface HookTransactions {
  /** Prisma's client inside the transaction, for the app's code. */
  clientOf(transaction: Transaction): unknown;
  /** Runs the app's code. If it throws, its writes are undone, and the transaction goes on. @throws the same error */
  undoable<T>(transaction: Transaction, work: () => Promise<T>): Promise<T>;
  /** The database fault behind an error of the app's code; undefined for an error of the app itself. */
  faultOf(error: unknown, model: Model): DatabaseFault | undefined;
  /** A column's JSON value, typed as Prisma types it in records; null stays null. */
  typed(field: ColumnField, value: Json): unknown;
}

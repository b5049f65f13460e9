import type { Json } from "../../kernel/json.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { ColumnField, Model } from "./model.ts";
import type { RecordProblem } from "../refusals/problems.ts";

/** What an error of the database means for code of the app that ran into it. */
export type DatabaseFault =
  /** It refused what the app wanted to write. */
  | { readonly kind: "REFUSED"; readonly problem: RecordProblem }
  /** The transaction cannot go on; the error is to be thrown, so that the whole is tried again. */
  | { readonly kind: "LOST"; readonly error: unknown }
  /** The app asked for something impossible. */
  | { readonly kind: "WRONG" };

/** Lets the app's own code take part in a transaction. */
export interface HookTransactions {
  /** What that code reads and writes with: Prisma's client inside the transaction. */
  clientOf(transaction: Transaction): unknown;
  /** Runs the code; where it throws, what was written meanwhile is undone, and the transaction goes on. @throws the same */
  undoable<T>(transaction: Transaction, work: () => Promise<T>): Promise<T>;
  /** What an error from that code tells of the database; undefined where it is the app's own. */
  faultOf(error: unknown, model: Model): DatabaseFault | undefined;
  /** A column's value, as JSON has it, typed as in records; null stays null. */
  typed(field: ColumnField, value: Json): unknown;
}

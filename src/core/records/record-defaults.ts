import type { Json } from "../../kernel/json.ts";
import type { Parsed } from "../refusals/problems.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { Model } from "./model.ts";

/**
 * Makes the values that new records need before they are written: keys, so that a task can name its records, and
 * defaults such as `uuid(7)`, which Prisma makes and the database does not know. The database fills in all others.
 */
export interface RecordDefaults {
  /**
   * @param given names of the fields that all records have
   * @param count of the records
   * @param transaction whose connection is used. Default: another one
   * @returns by field that is not given, one value for each record; or the problem of a key that is left out and has
   *   no default
   */
  make(
    model: Model,
    given: readonly string[],
    count: number,
    transaction?: Transaction,
  ): Promise<Parsed<ReadonlyMap<string, readonly Json[]>>>;
}

import type { Json } from "../../kernel/json.ts";
import type { Parsed } from "../refusals/problems.ts";
import type { Model } from "./model.ts";

/**
 * Makes the values of new records that must be known before these are written: keys, so that a task can name its
 * records, and defaults that Prisma would make, which the database knows nothing of. All others are the database's.
 */
export interface RecordDefaults {
  /**
   * @param given the fields that all of the records name
   * @param count of the records
   * @returns one value for each record, by field; only fields that are not given
   *   or the problem of a key that is left out and has no default
   */
  make(
    model: Model,
    given: readonly string[],
    count: number,
  ): Promise<Parsed<ReadonlyMap<string, readonly Json[]>>>;
}

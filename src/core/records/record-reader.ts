import type { WhereFilter } from "../access/access.ts";

/** Reads which records there are. What they hold is read by the GraphQL floor, shaped by the query. */
export interface RecordReader {
  /**
   * The ids of the records that match, in key order.
   * @param limit at most so many; ask for one more than allowed to learn that there are too many
   */
  findIds(model: string, where: WhereFilter | undefined, limit: number): Promise<readonly string[]>;
  /** Those of the given ids that exist and match `where`. Any order. */
  existingIds(
    model: string,
    ids: readonly string[],
    where: WhereFilter | undefined,
  ): Promise<readonly string[]>;
}

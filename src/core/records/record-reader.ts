import type { WhereFilter } from "../access/access.ts";

/** Finds records by filter and id. Their values are read by the GraphQL floor, in the shape of the query. */
export interface RecordReader {
  /**
   * The ids of the records that match, in key order.
   * @param limit the most ids; ask for one more than allowed to find out whether there are too many
   * @param signal of the operation that they are read for: ends the read
   * @throws AppError LIMIT_EXCEEDED for a read that takes too long
   */
  findIds(
    model: string,
    where: WhereFilter | undefined,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly string[]>;
  /** The given ids that exist and match `where`, in any order. */
  existingIds(
    model: string,
    ids: readonly string[],
    where: WhereFilter | undefined,
  ): Promise<readonly string[]>;
}

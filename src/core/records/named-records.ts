import type { WhereFilter } from "../access/access.ts";
import type { Parsed } from "../refusals/problems.ts";
import type { Model, UniqueKey } from "./model.ts";

/** A record that was looked up by a unique key. */
export interface FoundRecord {
  /** Undefined if there is none. */
  readonly id: string | undefined;
  /** The first place in the list with the same values, as the database compares them: citext ignores case. */
  readonly firstAt: number;
}

/** Finds records by their unique keys. Throws AppError UNAVAILABLE when the database cannot be reached. */
export interface NamedRecords {
  /**
   * Looks all of them up at once.
   * @param columns the values, a column for each field of the key: texts that the database reads (see column-text)
   * @param where other records count as missing
   * @returns a record for each place in the columns; or the problem of a value that its column cannot hold
   */
  find(
    model: Model,
    unique: UniqueKey,
    columns: readonly (readonly string[])[],
    where: WhereFilter | undefined,
  ): Promise<Parsed<readonly FoundRecord[]>>;
}

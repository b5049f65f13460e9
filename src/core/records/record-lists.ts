import type { WhereFilter } from "../access/access.ts";
import type { Aggregate } from "./aggregates.ts";
import type { ListPart, ListPlace } from "./list-pages.ts";
import type { ColumnField, RelationField } from "./model.ts";
import type { GroupValues } from "./record-groups.ts";

/** What is read of a record, with everything that hangs on it. */
export interface Selection {
  /** Held under their fields' names. */
  readonly columns: readonly ColumnField[];
  readonly ones: readonly SelectedOne[];
  readonly lists: readonly SelectedList[];
}

/** A relation that leads to one record. Held under the field's name; null where there is no such record. */
export interface SelectedOne {
  readonly field: RelationField;
  /** Which related records count, such as those within the viewer's scope. Default: all. */
  readonly where?: WhereFilter | undefined;
  readonly selection: Selection;
}

/** A relation that leads to a list. One relation may be read several times, under different names. */
export interface SelectedList extends ListReading {
  readonly field: RelationField;
  /** The name under which the record holds the list; different from those of fields. */
  readonly name: string;
  /** Figures over all of its records that match. */
  readonly figures?:
    | { readonly where: WhereFilter | undefined; readonly aggregates: readonly Aggregate[] }
    | undefined;
}

/** What is read of a list: a part of it, the number of all of its records, or both. */
export interface ListReading {
  readonly page?: SelectedPage | undefined;
  readonly count?: { readonly where: WhereFilter | undefined } | undefined;
}

/** The records of a part of a list. */
export interface SelectedPage {
  readonly part: ListPart;
  /** Whether the places of the records are read, too. */
  readonly hasPlaces: boolean;
  readonly selection: Selection;
  /** Only the record with these fields' values, which each reading of a prepared list brings. Default: all records */
  readonly key?: readonly ColumnField[];
}

/** A record as it was read, by the names that {@link Selection} says: columns, related records, and lists. */
export type LoadedRecord = Readonly<Record<string, unknown>>;

/** A list as it was read. */
export interface LoadedList {
  /** The part that was asked for. */
  readonly part: ListPart | undefined;
  /** In the order of reading: from the end for a backward part. Empty where no page was asked for. */
  readonly records: readonly LoadedRecord[];
  /** The records' places; empty where they were not asked for. */
  readonly places: readonly ListPlace[];
  /** How many records there are on all pages; 0 where that was not asked for. */
  readonly total: number;
  /** The figures that were asked for. */
  readonly figures?: GroupValues | undefined;
}

/**
 * Reads records with all that hangs on them. Values have the types that Prisma's client gives them: BigInt, its Decimal,
 * Date, Uint8Array, the enums' names in the Prisma schema, and an empty list for one that was never set.
 */
export interface RecordLists {
  /** Makes ready to read a list again and again. */
  prepare(model: string, reading: ListReading): ReadList;
  /** Reads a list once. */
  read(model: string, reading: ListReading, signal?: AbortSignal): ReturnType<ReadList>;
}

/**
 * Reads a list.
 * @param key the values of the page's key, as texts (see column-text)
 * @param signal of the operation: its client has left, so nobody needs the answer. Default: it stays
 * @throws AppError LIMIT_EXCEEDED when it takes too long; VALIDATION_FAILED for a filter's value that its column cannot
 *   hold, and for a place whose texts are not values of the order's columns; UNAVAILABLE when the database cannot be reached
 */
export type ReadList = (key?: readonly string[], signal?: AbortSignal) => Promise<LoadedList>;

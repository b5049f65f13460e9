import type { WhereFilter } from "../access/access.ts";
import type { Aggregate, GroupKey } from "./aggregates.ts";
import type { ListPlace, OrderTerm } from "./list-pages.ts";

/** What is read of groups of records. */
export interface GroupReading {
  /** Which records count, within the viewer's scope. Default: all. */
  readonly where: WhereFilter | undefined;
  /** None for all records as one group, which is there even if it has no record. */
  readonly keys: readonly GroupKey[];
  readonly aggregates: readonly Aggregate[];
  /** A condition on groups, by the names of the figures' fields. Default: none. */
  readonly having?: WhereFilter | undefined;
  /** The order, by columns that are fields of keys and figures. It is total: all keys are among the terms. */
  readonly terms: readonly OrderTerm[];
  /** Only groups behind this place. */
  readonly after?: ListPlace | undefined;
  /** Whether the places of the groups are read, too. */
  readonly hasPlaces?: boolean;
  /** The most groups. */
  readonly limit: number;
  /** The IANA name of the time zone in which periods begin. */
  readonly timeZone: string;
}

/** A group's keys and figures, by the names of their fields. */
export type GroupValues = Readonly<Record<string, unknown>>;

/** A group as it was read. */
export interface Group {
  readonly values: GroupValues;
  /** Only if it was asked for. */
  readonly place?: ListPlace;
}

/** Reads figures over many records. Values have the types of `RecordLists`. */
export interface RecordGroups {
  /**
   * @param signal as in RecordLists
   * @throws AppError LIMIT_EXCEEDED when it takes too long; VALIDATION_FAILED for values that columns cannot hold, for keys that a column's native type lacks, and
   *   for a place whose texts are not values of the order's columns
   */
  read(model: string, reading: GroupReading, signal?: AbortSignal): Promise<readonly Group[]>;
}

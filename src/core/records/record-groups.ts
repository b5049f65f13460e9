import type { WhereFilter } from "../access/access.ts";
import type { Aggregate, GroupKey } from "./aggregates.ts";

/** What is read of groups of records. */
export interface GroupReading {
  /** Which records count, within the viewer's scope. Default: all. */
  readonly where: WhereFilter | undefined;
  /** None for all records as one group, which is there even if it has no record. */
  readonly keys: readonly GroupKey[];
  readonly aggregates: readonly Aggregate[];
  /** A condition on groups, by the names of the figures' fields. Default: none. */
  readonly having?: WhereFilter | undefined;
  /** Most significant first; ties are broken by the keys. */
  readonly order: readonly GroupOrder[];
  /** The most groups. */
  readonly limit: number;
  /** The IANA name of the time zone in which periods begin. */
  readonly timeZone: string;
}

/** One criterion of an order of groups. */
export interface GroupOrder {
  readonly by: GroupKey | Aggregate;
  readonly isDescending: boolean;
  readonly areNullsFirst: boolean;
}

/** A group's keys and figures, by the names of their fields. */
export type GroupValues = Readonly<Record<string, unknown>>;

/** Reads figures over many records. Values have the types of `RecordLists`. */
export interface RecordGroups {
  /** @throws AppError as RecordLists does, VALIDATION_FAILED for values that columns cannot hold, and keys that a column's native type lacks */
  read(model: string, reading: GroupReading, signal?: AbortSignal): Promise<readonly GroupValues[]>;
}

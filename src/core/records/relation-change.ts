import type { RecordKey } from "./record-key.ts";

/** What happens to a record's links of a many-to-many relation. `set` replaces them all; it goes with no other. */
export interface RelationChange {
  readonly add?: readonly RecordKey[];
  readonly remove?: readonly RecordKey[];
  readonly set?: readonly RecordKey[];
}

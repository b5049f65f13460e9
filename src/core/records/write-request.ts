import type { RecordData } from "./record-writer.ts";
import type { Viewer } from "../access/viewer.ts";

/** What every single write is told; `shape` says what to hand back, in the record writer's terms. */
export interface WriteRequest {
  readonly model: string;
  readonly viewer: Viewer;
  readonly shape: unknown;
}

/** The state in which the caller last saw the record. */
export interface ExpectedState {
  /** The value of its `@updatedAt` column; compared to the millisecond, as callers see it. */
  readonly updatedAt: Date;
  /** What to hand back of the record where it differs; must name the `@updatedAt` column. */
  readonly shape: unknown;
}

export interface CreateRequest extends WriteRequest {
  readonly data: RecordData;
}

export interface UpdateRequest extends WriteRequest {
  readonly id: string;
  readonly data: RecordData;
  /** Default: whatever the record's state. */
  readonly expected?: ExpectedState | undefined;
}

export interface DeleteRequest extends WriteRequest {
  readonly id: string;
  /** Default: whatever the record's state. */
  readonly expected?: ExpectedState | undefined;
}

export interface UpsertRequest extends WriteRequest {
  readonly id: string;
  /** Where there is no such record. Key fields may be left out; where they are named, they must agree with `id`. */
  readonly create: RecordData;
  /** Where there is one. */
  readonly update: RecordData;
}

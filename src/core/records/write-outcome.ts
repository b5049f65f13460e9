import type { ConflictRefusal, UnavailableRefusal, ValidationRefusal } from "../tasks/launch-outcome.ts";

/** The record is not there, or out of the viewer's scope: the two are not told apart. */
export interface MissingRefusal {
  readonly kind: "MISSING";
  readonly message: string;
}

/** The record changed since the caller read it. */
export interface StaleRefusal {
  readonly kind: "STALE";
  readonly message: string;
  /** The record as it is now, in the caller's shape. */
  readonly current: unknown;
}

/** Written; the record in the caller's shape (for a delete, as it was). */
export interface Written {
  readonly kind: "WRITTEN";
  readonly record: unknown;
}

/** What becomes of a single create, update, upsert or delete. */
export type WriteOutcome =
  | Written
  | MissingRefusal
  | StaleRefusal
  | ConflictRefusal
  | ValidationRefusal
  | UnavailableRefusal;

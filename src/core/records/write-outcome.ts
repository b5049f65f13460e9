import type { ValidationRefusal } from "../refusals/problems.ts";
import type {
  ConflictRefusal,
  MissingRefusal,
  StaleRefusal,
  UnavailableRefusal,
} from "../refusals/refusals.ts";

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

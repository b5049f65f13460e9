import { AppError } from "../../kernel/app-error.ts";
import type { Viewer } from "../access/viewer.ts";
import type { NewTaskError } from "../tasks/task-error.ts";

/** The most records of a dry run whose values are kept. */
export const MAX_PREVIEW_RECORDS = 200;

/** The records that a preview shows where the caller does not say how many. */
export const DEFAULT_PREVIEW_RECORDS = 20;

/** @throws AppError VALIDATION_FAILED for a number of records that no preview shows */
export function checkPreviewSize(first: number): void {
  if (!Number.isSafeInteger(first) || first < 0 || first > MAX_PREVIEW_RECORDS) {
    throw new AppError("VALIDATION_FAILED", `first must be from 0 to ${MAX_PREVIEW_RECORDS}, not ${first}.`, {
      details: { field: "first", max: MAX_PREVIEW_RECORDS },
    });
  }
}

/** The most values that are listed for a field. */
export const MAX_PREVIEW_VALUES = 10;

/**
 * Values by field. Kept ones have the fields' names, and the types of the reader; shown ones have the API's names, and are JSON
 * as the API writes it. Of a relation, the ids of the linked records. A value whose text is longer than 8,000 bytes is the first
 * 1,000 characters of it, and three dots.
 */
export type PreviewValues = Readonly<Record<string, unknown>>;

/** One of a dry run's records, as it was and as it would be. */
export interface PreviewRecord {
  /** Its name, where it was named by a key and has no id. */
  readonly recordId: string;
  /** Null for a record that would be created, or that the dry run did not find. */
  readonly before: PreviewValues | null;
  /** Null for a record that would be deleted, or that would fail. */
  readonly after: PreviewValues | null;
  /** Why it would not be written. */
  readonly error?: NewTaskError;
}

/** Figures over the values of a field of numbers; null where there are no values. */
export interface PreviewFigures {
  readonly min: unknown;
  readonly max: unknown;
  readonly sum: unknown;
}

/** What would become of one field, over all records of the run. */
export interface PreviewField {
  /** Its name; in the API, where it is shown. A relation whose links change has one, too. */
  readonly field: string;
  /** The number of records in which it would have another value. */
  readonly changed: number;
  /** To which values, the most frequent first; at most {@link MAX_PREVIEW_VALUES}. */
  readonly values: readonly { readonly value: unknown; readonly count: number }[];
  /** The number of different values to which it would be changed. */
  readonly valueCount: number;
  /** Of all records that the run found or would create, those that would fail as they are. Null if it has no numbers. */
  readonly before: PreviewFigures | null;
  readonly after: PreviewFigures | null;
}

/** What a dry run would have changed. */
export interface Preview {
  readonly fields: readonly PreviewField[];
  /** A sample, in the order of the selection. */
  readonly records: readonly PreviewRecord[];
}

/** A preview as it is kept. */
export interface KeptPreview extends Preview {
  /**
   * The row filter of the viewer who launched, and the settings of its transactions, as a short text: everything in the preview
   * lay within. Null: there were none.
   */
  readonly readFilter: string | null;
}

/** Reads what dry runs have kept. */
export interface PreviewReader {
  /**
   * The previews of the tasks, in one look-up; tasks that have none are left out.
   * @param first the most records of each: a sample again
   */
  read(
    tasks: readonly { readonly id: string; readonly model: string }[],
    first: number,
  ): Promise<ReadonlyMap<string, KeptPreview>>;
}

/** Gives previews to a viewer, without what this one may not read. Tasks that have none are left out. */
export type ShowPreviews = (
  viewer: Viewer,
  tasks: readonly { readonly id: string; readonly model: string | null }[],
  first: number,
) => Promise<ReadonlyMap<string, Preview>>;

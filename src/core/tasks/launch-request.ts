import type { Json } from "../../kernel/json.ts";
import type { Viewer } from "../records/viewer.ts";
import { contentHash } from "./content-hash.ts";
import type { LaunchOptions } from "./launch-options.ts";
import type { RecordBatch } from "./record-batch.ts";
import type { TaskClaim } from "./task-claim.ts";
import type { NewTaskError } from "./task-error.ts";

/** A task about to be launched, its records resolved. */
export interface LaunchRequest {
  readonly kind: string;
  readonly model: string | null;
  readonly viewer: Viewer;
  /** Kept with the task. */
  readonly input: Json;
  /** What was asked, for the idempotency key and for duplicates; see {@link launchHash}. */
  readonly inputHash: string;
  readonly options: LaunchOptions;
  /** The ids of the records that it works on by chunks; empty for tasks that do not. */
  readonly records: readonly string[];
  /** The same records with what is to be written to each, where that differs; their order may be another. */
  readonly batches?: readonly RecordBatch[];
  /** Where a record stands in the caller's list, where it came in one: for the errors of those that are left out. */
  readonly placeOf?: (id: string) => Pick<NewTaskError, "index">;
  /** The most records of one chunk. */
  readonly maxChunkRecords: number;
  /** Whether chunks are as large as they may be, since records may need each other; else small tasks have small ones. */
  readonly isKeptTogether?: boolean;
  readonly claims: readonly TaskClaim[];
  readonly total: number | null;
  /** The task that is retried; see NewTask. */
  readonly retryOf?: string;
}

/** Identifies what was asked for: kind, input and how failures and conflicts are met. */
export function launchHash(kind: string, input: Json, options: LaunchOptions): string {
  return contentHash({
    kind,
    input,
    errorPolicy: options.errorPolicy ?? "ALL_OR_NOTHING",
    // Only where they are not the default, so that keys of before these options stay what they were.
    ...(options.onConflict === "SKIP" ? { onConflict: "SKIP" } : {}),
    ...(options.dryRun === true ? { dryRun: true } : {}),
  });
}

/** By which identical launches know each other; null for one that is to be a task of its own whatever runs. */
export function duplicateKeyOf({
  options,
  inputHash,
}: Pick<LaunchRequest, "options" | "inputHash">): string | null {
  return options.allowDuplicate === true || options.idempotencyKey !== undefined ? null : inputHash;
}

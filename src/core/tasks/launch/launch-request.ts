import type { Viewer } from "../../access/viewer.ts";
import type { LaunchOptions } from "../launch-options.ts";
import type { RecordBatch } from "../record-batch.ts";
import type { TaskClaim } from "../task-claim.ts";
import type { NewTaskError } from "../task-error.ts";
import type { Json } from "../../../kernel/json.ts";
import { canonicalJson } from "../../../kernel/json.ts";
import { createHash } from "node:crypto";

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
  /** Ids of the records to be cut into chunks; empty for a task without chunks. */
  readonly records: readonly string[];
  /** The same records, in any order, with the values to write to each, where these differ. */
  readonly batches?: readonly RecordBatch[];
  /** Index of a record in the caller's list, if there was one: for the errors of records that are left out. */
  readonly placeOf?: (id: string) => Pick<NewTaskError, "index">;
  /** The most records of one chunk. */
  readonly maxChunkRecords: number;
  /** True: chunks are as large as allowed, since records may need each other. Default: small tasks have small chunks. */
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

/** SHA-256 of the content in hex; the same for equal content, however its keys are ordered. */
export function contentHash(content: Json): string {
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}

/** What the operator decides about launches. */
export interface LaunchSettings {
  /** False: everything runs in the request. */
  readonly isAsyncEnabled: boolean;
  /** From so many records on a launch is asynchronous. */
  readonly minAsyncRecords: number;
  /** A claim on more records is made on the whole model instead. */
  readonly lockEscalationRecords: number;
  /** What becomes of a launch that cannot be enqueued: withdrawn with an error, or run in the request. */
  readonly whenQueueDown: "error" | "sync";
}

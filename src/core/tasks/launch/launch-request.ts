import type { Viewer } from "../../access/viewer.ts";
import type { LaunchOptions } from "../launch-options.ts";
import type { Notify } from "../notify.ts";
import type { RecordBatch } from "../record-batch.ts";
import type { TaskClaim } from "../task-claim.ts";
import type { NewTaskError } from "../task-error.ts";
import type { Transaction } from "../../transactions/transaction.ts";
import type { Json } from "../../../kernel/json.ts";
import { canonicalJson } from "../../../kernel/json.ts";
import { visitInTurns } from "../../../kernel/turns.ts";
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
  /** The one of `records` that a claimed id belongs to. Default: itself. */
  readonly recordOf?: (id: string) => string;
  /** The most records of one chunk. */
  readonly maxChunkRecords: number;
  /** True: chunks are as large as allowed, since records may need each other. Default: small tasks have small chunks. */
  readonly isKeptTogether?: boolean;
  readonly claims: readonly TaskClaim[];
  readonly total: number | null;
  /** The task that is retried; see NewTask. */
  readonly retryOf?: string | undefined;
  /** The task whose handler launches it. */
  readonly parent?: string | undefined;
  /** The name of the schedule that launches it. */
  readonly schedule?: string | undefined;
  /** Whom to tell how it ended; `launchTask` finds out from the options and the config. */
  readonly notify?: readonly Notify[] | undefined;
  /** At most `max` tasks with the same key run at a time. */
  readonly concurrency?: { readonly key: string; readonly max: number };
  /** A task that is there already, with its chunks, and only goes on. Default: a new one is made. */
  readonly received?: ReceivedTask;
}

/** A task whose records have come from a file. */
export interface ReceivedTask {
  readonly taskId: string;
  /** True: its dependents are claimed as whole models, since its records are too many to ask for them. */
  readonly isWide: boolean;
  /** Makes it PENDING, with these claims, and without the records that are left out. False if it has ended meanwhile. */
  begin(
    transaction: Transaction,
    claims: readonly TaskClaim[],
    skipped: readonly NewTaskError[],
  ): Promise<boolean>;
}

/** A hash of the request: kind, input, and the policies for failures and conflicts. */
export function launchHash(kind: string, input: Json, options: LaunchOptions): string {
  return contentHash({
    kind,
    input,
    errorPolicy: options.errorPolicy ?? "ALL_OR_NOTHING",
    // Left out where they are the default: so keys that are older than these options stay valid.
    ...(options.onConflict === "SKIP" ? { onConflict: "SKIP" } : {}),
    ...(options.dryRun === true ? { dryRun: true } : {}),
  });
}

/** Equal for identical launches; null for a launch that may run beside an identical one. */
export function duplicateKeyOf({
  options,
  inputHash,
}: Pick<LaunchRequest, "options" | "inputHash">): string | null {
  return options.allowDuplicate === true || options.idempotencyKey !== undefined ? null : inputHash;
}

/** SHA-256 of the content in hex. The order of keys does not matter. */
export function contentHash(content: Json): string {
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}

/** The {@link contentHash} of a list, which may be long. */
export async function contentHashOfList(items: readonly Json[]): Promise<string> {
  const hash = createHash("sha256").update("[");
  await visitInTurns(items, (item, at) => hash.update(`${at === 0 ? "" : ","}${canonicalJson(item)}`));
  return hash.update("]").digest("hex");
}

/** The operator's settings for launches. */
export interface LaunchSettings {
  /** False: everything runs in the request. */
  readonly isAsyncEnabled: boolean;
  /** A launch with this many records is asynchronous. */
  readonly minAsyncRecords: number;
  /** A claim on more records locks the whole model. */
  readonly lockEscalationRecords: number;
  /** A launch that cannot be enqueued is withdrawn with an error, runs in the request, or waits for the sweeper. */
  readonly whenQueueDown: "error" | "sync" | "wait";
}

import type { Json } from "../../kernel/json.ts";
import type { Viewer } from "../records/viewer.ts";
import { contentHash } from "./content-hash.ts";
import type { LaunchOptions } from "./launch-options.ts";
import type { TaskClaim } from "./task-claim.ts";

/** A task about to be launched, its records resolved. */
export interface LaunchRequest {
  readonly kind: string;
  readonly model: string | null;
  readonly viewer: Viewer;
  /** Kept with the task. */
  readonly input: Json;
  /** What was asked, for the idempotency key; see {@link launchHash}. */
  readonly inputHash: string;
  readonly options: LaunchOptions;
  /** The ids of the records that it works on by chunks; empty for tasks that do not. */
  readonly records: readonly string[];
  /** The most records of one chunk. */
  readonly maxChunkRecords: number;
  readonly claims: readonly TaskClaim[];
  readonly total: number | null;
}

/** Identifies what was asked for: kind, input and how failures and conflicts are met. */
export function launchHash(kind: string, input: Json, options: LaunchOptions): string {
  return contentHash({
    kind,
    input,
    errorPolicy: options.errorPolicy ?? null,
    // Only where it is not the default, so that keys of before this option stay what they were.
    ...(options.onConflict === "SKIP" ? { onConflict: "SKIP" } : {}),
  });
}

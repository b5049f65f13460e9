import type { Json } from "../../kernel/json.ts";
import type { Claim } from "../locks/claim.ts";
import type { RecordProblem } from "../records/record-problem.ts";
import type { Viewer } from "../records/viewer.ts";
import { ANONYMOUS } from "../records/viewer.ts";
import { checkLaunchOptions } from "./check-launch-options.ts";
import type { LaunchOptions } from "./launch-options.ts";
import type { LaunchOutcome } from "./launch-outcome.ts";
import type { LaunchPorts } from "./launch-task.ts";
import { launchHash } from "./launch-request.ts";
import { launchTask, repeatedLaunch } from "./launch-task.ts";

/** A task of the app's own, launched from code. */
export interface CustomLaunch {
  /** The kind of a registered definition. */
  readonly kind: string;
  /** Given to the handler as `context.task.input`. */
  readonly input: Json;
  /** What the task holds until it settles. Default: nothing. */
  readonly claims?: readonly Claim[];
  /** The model it works on, for lists and filters. Default: none. */
  readonly model?: string;
  /** Who launches it. Default: someone unknown. */
  readonly viewer?: Viewer;
  /** How many records it will deal with, if known; below the threshold it runs at once. Default: unknown, so in a worker. */
  readonly total?: number;
  readonly options?: LaunchOptions;
}

/**
 * Launches a task of the app's own, with the same locks, progress and events as a bulk operation.
 * @throws AppError UNKNOWN_KIND before anything is written
 */
export async function launchCustom(ports: LaunchPorts, launch: CustomLaunch): Promise<LaunchOutcome> {
  const { kind, input, claims = [], model = null, viewer = ANONYMOUS, options = {} } = launch;
  ports.definitions.get(kind);
  const problems = [...checkLaunchOptions(options), ...checkOnConflict(options)];
  const [problem] = problems;
  if (problem !== undefined) {
    return { outcome: "INVALID", message: problem.message, problems };
  }
  const inputHash = launchHash(kind, input, options);
  const { idempotencyKey } = options;
  const existing =
    idempotencyKey === undefined ? undefined : await ports.tasks.findByIdempotencyKey(viewer, idempotencyKey);
  if (existing !== undefined) {
    return repeatedLaunch(ports, existing, inputHash);
  }
  return launchTask(ports, {
    kind,
    model,
    viewer,
    input,
    inputHash,
    options,
    claims,
    records: [],
    maxChunkRecords: 1,
    total: launch.total ?? null,
  });
}

/** Only a task that works record by record can leave some out. */
function checkOnConflict({ onConflict }: LaunchOptions): readonly RecordProblem[] {
  const message = "options.onConflict: SKIP is for bulk operations; use REJECT or WAIT.";
  return onConflict === "SKIP" ? [{ code: "VALIDATION_FAILED", field: "options.onConflict", message }] : [];
}

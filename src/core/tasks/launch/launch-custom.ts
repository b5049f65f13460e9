import type { Json } from "../../../kernel/json.ts";
import type { Claim } from "../../locks/claim.ts";
import type { RecordProblem } from "../../refusals/problems.ts";
import type { Viewer } from "../../access/viewer.ts";
import { ANONYMOUS } from "../../access/viewer.ts";
import { checkLaunchOptions } from "./check-launch-options.ts";
import type { LaunchOptions } from "../launch-options.ts";
import type { LaunchOutcome } from "./launch-outcome.ts";
import type { LaunchPorts } from "./launch-task.ts";
import { launchHash } from "./launch-request.ts";
import { launchTask } from "./launch-task.ts";
import { answerRepeated } from "./repeated-launch.ts";

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
  const problems = checkCustomOptions(options);
  const [problem] = problems;
  if (problem !== undefined) {
    return { kind: "INVALID", message: problem.message, problems };
  }
  const inputHash = launchHash(kind, hashedInput(input, model, claims), options);
  const repeated = await answerRepeated(ports, { viewer, options, inputHash });
  if (repeated !== undefined) {
    return repeated;
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

/** Not the input alone: the same on other records is another operation. */
function hashedInput(input: Json, model: string | null, claims: readonly Claim[]): Json {
  return model === null && claims.length === 0
    ? input
    : { input, model, claims: claims as unknown as readonly Json[] };
}

/** What is wrong with the options of a launch that is no bulk operation; nothing if they are fine. */
export function checkCustomOptions(options: LaunchOptions): readonly RecordProblem[] {
  return [
    ...checkLaunchOptions(options),
    // Only a task that works record by record can leave some out.
    ...(options.onConflict === "SKIP"
      ? [bulkOnly("onConflict", "SKIP is for bulk operations; use REJECT or WAIT.")]
      : []),
    // Nobody but its handler knows how to undo what it does.
    ...(options.dryRun === true ? [bulkOnly("dryRun", "is for bulk operations; leave it out.")] : []),
  ];
}

function bulkOnly(option: keyof LaunchOptions, message: string): RecordProblem {
  const field = `options.${option}`;
  return { code: "VALIDATION_FAILED", field, message: `${field}: ${message}` };
}

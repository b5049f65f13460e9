import type { Json } from "../../../kernel/json.ts";
import type { Claim } from "../../locks/claim.ts";
import { invalid } from "../../refusals/problems.ts";
import type { Viewer } from "../../access/viewer.ts";
import { ANONYMOUS } from "../../access/viewer.ts";
import { checkCustomOptions } from "./check-launch-options.ts";
import type { LaunchOptions } from "../launch-options.ts";
import type { LaunchOutcome } from "./launch-outcome.ts";
import type { LaunchPorts } from "./launch-task.ts";
import { launchHash } from "./launch-request.ts";
import { launchTask } from "./launch-task.ts";
import { answerRepeated } from "./repeated-launch.ts";

/** A custom task to be launched from code. */
export interface CustomLaunch {
  /** The kind of a registered definition. */
  readonly kind: string;
  /** Given to the handler as `context.task.input`. */
  readonly input: Json;
  /** What the task holds until it settles. Default: nothing. */
  readonly claims?: readonly Claim[];
  /** The model it works on, for lists and filters. Default: none. */
  readonly model?: string;
  /** Who launches it. Default: an anonymous viewer. */
  readonly viewer?: Viewer;
  /** Number of its records, if known; below the threshold it runs in the request. Default: unknown, so it runs in a worker. */
  readonly total?: number;
  readonly options?: LaunchOptions;
}

/**
 * Launches a custom task, with the same locks, progress and events as a bulk operation.
 * @throws AppError UNKNOWN_KIND before anything is written
 */
export async function launchCustom(ports: LaunchPorts, launch: CustomLaunch): Promise<LaunchOutcome> {
  const { kind, input, claims = [], model = null, viewer = ANONYMOUS, options = {} } = launch;
  ports.definitions.get(kind);
  const problems = checkCustomOptions(options);
  if (problems.length > 0) {
    return invalid(problems);
  }
  const inputHash = launchHash(kind, hashedInput(input, model, claims), options);
  // Writing it finds an earlier task, too. A hook is not asked about a launch that was made before.
  const repeated = ports.hooks?.beforeCreate && (await answerRepeated(ports, { viewer, options, inputHash }));
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

/** Claims count, too: the same input on other records is another operation. */
function hashedInput(input: Json, model: string | null, claims: readonly Claim[]): Json {
  return model === null && claims.length === 0
    ? input
    : { input, model, claims: claims as unknown as readonly Json[] };
}

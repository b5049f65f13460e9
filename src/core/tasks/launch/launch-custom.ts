import { createHash } from "node:crypto";
import { AppError } from "../../../kernel/app-error.ts";
import type { Json } from "../../../kernel/json.ts";
import { toStorableText } from "../../../kernel/json.ts";
import type { Viewer } from "../../access/viewer.ts";
import type { Claim } from "../../locks/claim.ts";
import type { ForbiddenRefusal } from "../../refusals/refusals.ts";
import type { Parsed, ValidationRefusal } from "../../refusals/problems.ts";
import { invalid } from "../../refusals/problems.ts";
import { unavailableRefusal } from "../../refusals/unavailable-refusal.ts";
import type { DefinedTask, TaskRequest } from "../define-task.ts";
import type { LaunchOptions } from "../launch-options.ts";
import { describeMiscount } from "../progress.ts";
import { checkInput, mayLaunch } from "../run/check-input.ts";
import { storableJson } from "../run/storable-json.ts";
import { checkClaims } from "./check-claims.ts";
import { checkCustomOptions, shortLabel } from "./check-launch-options.ts";
import type { LaunchOutcome } from "./launch-outcome.ts";
import type { LaunchRequest } from "./launch-request.ts";
import { launchHash } from "./launch-request.ts";
import type { LaunchPorts } from "./launch-task.ts";
import type { Nesting } from "./nesting.ts";
import {
  awaitChild,
  currentNesting,
  launchNested,
  nestedOptions,
  refuseNested,
  viewerOf,
} from "./nesting.ts";
import { answerRepeated } from "./repeated-launch.ts";

/** A task of the app's own that is to be launched. */
export interface CustomLaunch extends Pick<LaunchRequest, "parent" | "schedule" | "notify" | "retryOf"> {
  /** The kind of a definition in the config's `tasks`. */
  readonly kind: string;
  /** As the caller gives it: checked by the definition's schema, and kept with the task as JSON. */
  readonly input: unknown;
  /** Who launches it. Default: the viewer of the task or write that launches it, or else an anonymous one. */
  readonly viewer?: Viewer;
  readonly options?: LaunchOptions;
}

/**
 * Launches a task of the app's own, with the same locks, progress and events as a bulk operation.
 * @throws AppError UNKNOWN_KIND and UNKNOWN_MODEL before anything is written, and what the definition's functions throw
 */
export async function launchCustom(ports: LaunchPorts, launch: CustomLaunch): Promise<LaunchOutcome> {
  const nesting = currentNesting();
  const own = ownDefinition(ports, launch.kind);
  const { options = {} } = launch;
  const refusal = refuseNested(nesting, options);
  return refusal ?? awaitChild(nesting, options, await launchAt(ports, nesting, own, launch));
}

async function launchAt(
  ports: LaunchPorts,
  nesting: Nesting,
  own: DefinedTask,
  launch: CustomLaunch,
): Promise<LaunchOutcome> {
  const { kind, retryOf, options: given = {} } = launch;
  const viewer = viewerOf(nesting, launch.viewer);
  try {
    const accepted = await acceptLaunch(own, launch.input, viewer, given);
    if (accepted.kind !== "ACCEPTED") {
      return accepted;
    }
    // A retry is another operation than the first launch with the same input.
    const hashed = retryOf === undefined ? accepted.stored : { retryOf };
    const inputHash = launchHash(kind, hashed, given);
    const options = nestedOptions(nesting, given, inputHash);
    // Where the app is asked nothing else, writing the task is enough: that finds an earlier one, too.
    const isAsked = own.claims !== undefined || (ports.hooks?.beforeCreate ?? []).length > 0;
    const repeated = isAsked ? await answerRepeated(ports, { viewer, options, inputHash }) : undefined;
    if (repeated !== undefined) {
      return repeated;
    }
    const { request, stored: input } = accepted;
    const { parent, schedule, notify } = launch;
    const described = await describeLaunch(ports, own, request, options);
    return "problems" in described
      ? invalid(described.problems)
      : await launchNested(ports, nesting, {
          ...described.value,
          kind,
          viewer,
          input,
          inputHash,
          retryOf,
          parent,
          schedule,
          notify,
        });
  } catch (error) {
    return unavailableRefusal(ports.logger, error, "a launch was refused");
  }
}

/** The app's definition. @throws AppError UNKNOWN_KIND */
export function ownDefinition({ definitions }: Pick<LaunchPorts, "definitions">, kind: string): DefinedTask {
  const { own } = definitions.get(kind);
  if (own === undefined) {
    throw new AppError("UNKNOWN_KIND", `"${kind}" is a bulk operation; launch it with launchBulk.`);
  }
  return own;
}

/** Whether the viewer may launch the task with this input. */
export async function acceptLaunch(
  own: DefinedTask,
  input: unknown,
  viewer: Viewer,
  options: LaunchOptions,
): Promise<
  | { readonly kind: "ACCEPTED"; readonly stored: Json; readonly request: TaskRequest<unknown> }
  | ValidationRefusal
  | ForbiddenRefusal
> {
  const problems = checkCustomOptions(options, own);
  const stored = storableJson(input, "input");
  if ("problems" in stored) {
    return invalid([...problems, ...stored.problems.map((each) => ({ ...each, field: "input" }))]);
  }
  const checked = await checkInput(own, stored.value);
  if ("problems" in checked) {
    return invalid([...problems, ...checked.problems]);
  }
  if (problems.length > 0) {
    return invalid(problems);
  }
  const request = { input: checked.value, viewer };
  return (await mayLaunch(own, request))
    ? { kind: "ACCEPTED", stored: stored.value, request }
    : { kind: "FORBIDDEN", message: `You may not launch ${own.kind} with this input.` };
}

type Described = Pick<
  LaunchRequest,
  "model" | "options" | "records" | "maxChunkRecords" | "total" | "concurrency"
> & { readonly claims: readonly Claim[] };

/** What the definition says about a task with this input. */
export async function describeLaunch(
  { models }: Pick<LaunchPorts, "models">,
  own: DefinedTask,
  request: TaskRequest<unknown>,
  options: LaunchOptions,
): Promise<Parsed<Described>> {
  const claims = checkClaims(models, (await own.claims?.(request)) ?? []);
  if ("problems" in claims) {
    return claims;
  }
  const described = {
    model: own.model ?? null,
    options: { ...options, ...labelOf(own, request, options) },
    records: [],
    maxChunkRecords: 1,
    claims: claims.value,
    total: totalOf(own, request),
    ...concurrencyOf(own, request),
  };
  return { value: described };
}

function labelOf(
  own: DefinedTask,
  request: TaskRequest<unknown>,
  { label = own.label?.(request) }: LaunchOptions,
): Pick<LaunchOptions, "label"> {
  return label === undefined ? {} : { label: shortLabel(label) };
}

/** @throws TypeError for what is no count */
function totalOf(own: DefinedTask, request: TaskRequest<unknown>): number | null {
  const total = own.total?.(request) ?? null;
  const miscount = total === null ? undefined : describeMiscount("total", total);
  if (miscount !== undefined) {
    throw new TypeError(`${own.kind}: ${miscount}`);
  }
  return total;
}

/** Longer keys become hashes: an index keeps them. */
const MAX_KEY_LENGTH = 200;

/** Keys of different kinds never meet. */
function concurrencyOf(
  { kind, concurrency }: DefinedTask,
  request: TaskRequest<unknown>,
): Pick<LaunchRequest, "concurrency"> {
  if (concurrency === undefined) {
    return {};
  }
  const { max, perKey } = concurrency;
  const given = perKey === undefined ? kind : `${kind}:${perKey(request)}`;
  const key = given.length > MAX_KEY_LENGTH ? createHash("sha256").update(given).digest("base64url") : given;
  return { concurrency: { key: toStorableText(key), max } };
}

import { isStorableText, toStorableText } from "../../../kernel/json.ts";
import type { RecordProblem } from "../../refusals/problems.ts";
import { problem } from "../../refusals/problems.ts";
import type { DefinedTask } from "../define-task.ts";
import type { LaunchOptions } from "../launch-options.ts";

const MAX_KEY_LENGTH = 200;
const MAX_LABEL_LENGTH = 200;

/** The problems of a launch's options; empty if they are fine. */
export function checkLaunchOptions(options: LaunchOptions): readonly RecordProblem[] {
  const { idempotencyKey, label, maxAffected } = options;
  return [
    ...checkText("idempotencyKey", idempotencyKey, 1, MAX_KEY_LENGTH),
    ...checkText("label", label, 0, MAX_LABEL_LENGTH),
    ...(options.ifUnfinished === "RETRY" && idempotencyKey === undefined
      ? [optionProblem("ifUnfinished", "RETRY needs an idempotencyKey, under which the first task is found.")]
      : []),
    ...(maxAffected !== undefined && (!Number.isInteger(maxAffected) || maxAffected < 0)
      ? [optionProblem("maxAffected", "needs a whole number of at least 0.")]
      : []),
  ];
}

/** The problems of a custom task's options; empty if they are fine. */
export function checkCustomOptions(
  options: LaunchOptions,
  { kind, isDryRunnable = false }: Pick<DefinedTask, "kind" | "isDryRunnable">,
): readonly RecordProblem[] {
  return [
    ...checkLaunchOptions(options),
    // Without chunks, no record can be left out.
    ...(options.onConflict === "SKIP"
      ? [optionProblem("onConflict", "SKIP is for bulk operations; use REJECT or WAIT.")]
      : []),
    // Only its `run` knows how to change nothing.
    ...(options.dryRun === true && !isDryRunnable
      ? [optionProblem("dryRun", `${kind} cannot be tried without changing anything; leave it out.`)]
      : []),
  ];
}

/** A label that the app or the service made, cut to the length that a caller may give. */
export function shortLabel(label: string): string {
  // Drops the first half of a character that was cut apart: a database cannot store it.
  return toStorableText(label.slice(0, MAX_LABEL_LENGTH).replace(/\p{Surrogate}$/u, ""));
}

function checkText(
  option: keyof LaunchOptions,
  text: string | undefined,
  min: number,
  max: number,
): readonly RecordProblem[] {
  if (text === undefined) {
    return [];
  }
  if (text.length < min || text.length > max) {
    return [optionProblem(option, `needs ${min} to ${max} characters, has ${text.length}.`)];
  }
  return isStorableText(text)
    ? []
    : [optionProblem(option, "cannot hold NUL characters or halves of characters.")];
}

function optionProblem(option: keyof LaunchOptions, message: string): RecordProblem {
  const field = `options.${option}`;
  return problem(`${field}: ${message}`, field);
}

import { isStorableText } from "../../../kernel/storable-text.ts";
import type { RecordProblem } from "../../refusals/problems.ts";
import type { LaunchOptions } from "../launch-options.ts";

const MAX_KEY_LENGTH = 200;
const MAX_LABEL_LENGTH = 200;

/** What is wrong with a launch's options; nothing if they are fine. */
export function checkLaunchOptions(options: LaunchOptions): readonly RecordProblem[] {
  const { idempotencyKey, label, maxAffected } = options;
  return [
    ...checkText("idempotencyKey", idempotencyKey, 1, MAX_KEY_LENGTH),
    ...checkText("label", label, 0, MAX_LABEL_LENGTH),
    ...(maxAffected !== undefined && (!Number.isInteger(maxAffected) || maxAffected < 0)
      ? [problem("maxAffected", "needs a whole number of at least 0.")]
      : []),
  ];
}

function checkText(
  field: string,
  text: string | undefined,
  min: number,
  max: number,
): readonly RecordProblem[] {
  if (text === undefined) {
    return [];
  }
  if (text.length < min || text.length > max) {
    return [problem(field, `needs ${min} to ${max} characters, has ${text.length}.`)];
  }
  return isStorableText(text) ? [] : [problem(field, "cannot hold NUL characters or halves of characters.")];
}

function problem(field: string, message: string): RecordProblem {
  return { code: "VALIDATION_FAILED", field: `options.${field}`, message: `options.${field}: ${message}` };
}

import type { RecordProblem } from "../records/record-problem.ts";
import type { LaunchOptions } from "./launch-options.ts";

const MAX_KEY_LENGTH = 200;
const MAX_LABEL_LENGTH = 200;

/** What is wrong with a launch's options; nothing if they are fine. */
export function checkLaunchOptions(options: LaunchOptions): readonly RecordProblem[] {
  const { idempotencyKey, label, maxAffected } = options;
  const problems: RecordProblem[] = [];
  const add = (field: string, message: string): void => {
    problems.push({
      code: "VALIDATION_FAILED",
      field: `options.${field}`,
      message: `options.${field}: ${message}`,
    });
  };
  if (idempotencyKey !== undefined && (idempotencyKey === "" || idempotencyKey.length > MAX_KEY_LENGTH)) {
    add("idempotencyKey", `needs 1 to ${MAX_KEY_LENGTH} characters, has ${idempotencyKey.length}.`);
  }
  if (label !== undefined && label.length > MAX_LABEL_LENGTH) {
    add("label", `at most ${MAX_LABEL_LENGTH} characters, has ${label.length}.`);
  }
  for (const [field, text] of Object.entries({ idempotencyKey, label })) {
    if (text?.includes("\u0000") === true) {
      add(field, "cannot hold NUL characters.");
    }
  }
  if (maxAffected !== undefined && (!Number.isInteger(maxAffected) || maxAffected < 0)) {
    add("maxAffected", "needs a whole number of at least 0.");
  }
  return problems;
}

import type { Json } from "../../../kernel/json.ts";
import { describeUnstorableJson } from "../../../kernel/json.ts";
import type { Parsed, RecordProblem } from "../../refusals/problems.ts";
import { problem } from "../../refusals/problems.ts";

/**
 * A value of the app's as JSON that can be stored: a Date becomes a text, undefined becomes null.
 * @param what what the value is, for the problem: `The result of the task`
 */
export function storableJson(value: unknown, what: string): Parsed<Json> {
  if (value === undefined) {
    return { value: null };
  }
  try {
    const text = JSON.stringify(value, refuseInfinite) as string | undefined;
    if (text === undefined) {
      return unstorable(what, "it is no JSON value.");
    }
    const stored = JSON.parse(text) as Json;
    const fault = describeUnstorableJson(stored);
    return fault === undefined ? { value: stored } : unstorable(what, fault);
  } catch (error) {
    // A circle, a BigInt, or endless nesting: JSON.stringify says which, in several lines.
    const words = error instanceof Error ? String(error.message.split("\n")[0]) : "it is no JSON value.";
    return unstorable(what, words);
  }
}

function unstorable(what: string, fault: string): { readonly problems: readonly RecordProblem[] } {
  return { problems: [problem(`${what} cannot be stored: ${fault}`)] };
}

/** JSON.stringify would silently make it null. */
function refuseInfinite(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TypeError(`it holds the number ${value}, which JSON does not have.`);
  }
  return value;
}

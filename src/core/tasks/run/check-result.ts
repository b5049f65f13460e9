import { ERROR_CODES } from "../../../kernel/error-codes.ts";
import type { Json } from "../../../kernel/json.ts";
import { describeUnstorableJson } from "../../../kernel/json.ts";
import type { Parsed, RecordProblem } from "../../refusals/problems.ts";
import { problem } from "../../refusals/problems.ts";
import { describeMiscounts } from "../progress.ts";
import type { HandlerResult } from "../task-definition.ts";

/** A handler's result that can be stored: `result` is JSON. */
export type CheckedResult = Omit<HandlerResult, "result"> & { readonly result: Json };

/** Checks what a handler returned: it may be untyped code. */
export function checkResult(returned: HandlerResult): Parsed<CheckedResult> {
  if (typeof returned !== "object" || returned === null) {
    return unstorable(
      `The handler returned ${String(returned)}. It must return an object; {} says that all went well.`,
    );
  }
  const { counts, errors, failure, message } = returned;
  if (message != null && typeof message !== "string") {
    return unstorable(`The handler's message must be text, not ${String(message)}.`);
  }
  const miscount = counts === undefined ? undefined : describeMiscounts(counts);
  if (miscount !== undefined) {
    return unstorable(`The handler's counts cannot be stored: ${miscount}`);
  }
  const inErrors = describeMalformed(failure === undefined ? errors : failure.errors, failure !== undefined);
  if (inErrors !== undefined) {
    return unstorable(`The handler's errors cannot be stored: ${inErrors}`);
  }
  const result = checkValue(returned.result);
  return "problems" in result
    ? { problems: result.problems.map(aboutResult) }
    : { value: { ...returned, result: result.value } };
}

function aboutResult({ message }: RecordProblem): RecordProblem {
  return problem(`The handler's result cannot be stored: ${message}`);
}

function unstorable(message: string): { readonly problems: readonly RecordProblem[] } {
  return { problems: [problem(message)] };
}

function checkValue(value: unknown): Parsed<Json> {
  if (value === undefined) {
    return { value: null };
  }
  try {
    const text = JSON.stringify(value, refuseInfinite) as string | undefined;
    if (text === undefined) {
      return unstorable("it is no JSON value.");
    }
    const stored = JSON.parse(text) as Json;
    const fault = describeUnstorableJson(stored);
    return fault === undefined ? { value: stored } : unstorable(fault);
  } catch (error) {
    // A circle, a BigInt, or endless nesting: JSON.stringify says which, in several lines.
    return unstorable(error instanceof Error ? String(error.message.split("\n")[0]) : "it is no JSON value.");
  }
}

/** JSON.stringify would silently make it null. */
function refuseInfinite(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TypeError(`it holds the number ${value}, which JSON does not have.`);
  }
  return value;
}

/** What is wrong with a list of errors, in words that begin with the place; undefined if nothing is. */
function describeMalformed(errors: unknown, isNeeded: boolean): string | undefined {
  if (errors === undefined && !isNeeded) {
    return undefined;
  }
  if (!Array.isArray(errors)) {
    return "errors must be a list.";
  }
  const first = (errors as readonly unknown[])
    .map((error, at) => ({ at, fault: describeMalformedError(error) }))
    .find(({ fault }) => fault !== undefined);
  return first && `errors.${first.at}${first.fault}`;
}

function describeMalformedError(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) {
    return ` must be an object, not ${String(error)}.`;
  }
  const { recordId, outcome, code, message, field, index } = error as Readonly<Record<string, unknown>>;
  const isText = (value: unknown): boolean => typeof value === "string";
  const rules: readonly (readonly [string, unknown, boolean, string])[] = [
    ["recordId", recordId, isText(recordId) || recordId === null, "text or null"],
    ["outcome", outcome, outcome === "FAILED" || outcome === "SKIPPED", "FAILED or SKIPPED"],
    [
      "code",
      code,
      isText(code) && Object.hasOwn(ERROR_CODES, code as string),
      "one of the service's error codes",
    ],
    ["message", message, isText(message), "text"],
    ["field", field, field === undefined || isText(field), "text"],
    ["index", index, index === undefined || isPlace(index), "a whole number from 0 on"],
  ];
  const broken = rules.find(([, , isRight]) => !isRight);
  return broken && `.${broken[0]} must be ${broken[3]}, not ${show(broken[1])}.`;
}

function isPlace(index: unknown): boolean {
  return Number.isInteger(index) && (index as number) >= 0 && (index as number) <= 2_147_483_647;
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

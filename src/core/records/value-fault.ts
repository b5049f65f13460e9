import type { RecordProblem } from "../refusals/problems.ts";
import { describeOverrun, describeRange } from "./value-limit.ts";

/** A value that was to be written to a column. */
export interface WrittenValue {
  /** The field's name. */
  readonly field: string;
  /** The column's type as PostgreSQL writes it, with its length or precision. */
  readonly nativeType: string;
  /** `set`, or arithmetic on what is there. */
  readonly operator: string;
  /** Typed, or as JSON has it. */
  readonly value: unknown;
}

/** A text is too long, a number too great, bits are not as many as they should be. */
const OVERRUNS: ReadonlySet<string> = new Set(["22001", "22003", "22026"]);

/** Types whose texts the database reads by rules of its own, by the SQLSTATE that says it could not. */
const READ_BY_RULES: Readonly<Record<string, RegExp>> = {
  "22P02": /^(?:uuid|inet|cidr|macaddr8?|bit|money|xml)/,
  "2200N": /^xml/,
  "22007": /^(?:date|time)/,
  "22008": /^(?:date|time)/,
};

/**
 * Which of the values the database refused, and why, as far as that can be told: it names no column for what cannot be a
 * value of its type at all.
 * @param state the SQLSTATE of its error
 */
export function valueFault(
  state: string,
  values: readonly WrittenValue[],
): Required<Pick<RecordProblem, "field" | "message">> | undefined {
  return OVERRUNS.has(state) ? findOverrun(state, values) : findUnreadable(state, values);
}

function findOverrun(state: string, values: readonly WrittenValue[]): ReturnType<typeof valueFault> {
  for (const { field, nativeType, operator, value } of values) {
    if (isNumber(nativeType) !== (state === "22003")) {
      continue;
    }
    const overrun = operator === "set" ? describeOverrun(nativeType, value) : undefined;
    if (overrun !== undefined) {
      return { field, message: `"${field}" ${overrun}.` };
    }
  }
  const [only, ...others] = values.filter(({ operator }) => operator !== "set");
  if (state !== "22003" || only === undefined || others.length > 0) {
    return undefined;
  }
  const { field, nativeType } = only;
  const range = describeRange(nativeType);
  return {
    field,
    message: `"${field}" would go beyond what it holds${range === undefined ? "" : `: ${range}`}.`,
  };
}

/** Whether the type is one of numbers, whose overruns are told from those of texts and bits. */
function isNumber(nativeType: string): boolean {
  return /^(?:smallint|integer|bigint|oid|real|double|numeric|money)/.test(nativeType);
}

function findUnreadable(state: string, values: readonly WrittenValue[]): ReturnType<typeof valueFault> {
  const types = READ_BY_RULES[state];
  const [only, ...others] = values.filter(
    ({ nativeType, value }) => value !== null && types?.test(nativeType) === true,
  );
  return only === undefined || others.length > 0
    ? undefined
    : {
        field: only.field,
        message: `"${only.field}" is given what is no value of its type, ${only.nativeType}.`,
      };
}

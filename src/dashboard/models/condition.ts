import { inWords } from "./model.ts";

/** A condition on records, as the address and saved views keep it. */
export interface Condition {
  readonly field: string;
  /** An operator of the API's filters. */
  readonly verb: string;
  /** What it compares with; left out where it asks about related records. */
  readonly value?: unknown;
  /** What must hold for the related records; left out: that there are any. */
  readonly nested?: Condition | undefined;
  /** Whether capital letters make no difference. */
  readonly anyCase?: true | undefined;
  /** Where in a JSON value to look. */
  readonly path?: readonly string[] | undefined;
}

/** Whether it can be taken for a condition; whether the model has such a field is told by the service. */
export function isCondition(value: unknown): value is Condition {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const { field, verb, nested, path } = value as Partial<Record<keyof Condition, unknown>>;
  return (
    typeof field === "string" &&
    typeof verb === "string" &&
    (nested === undefined || isCondition(nested)) &&
    (path === undefined || Array.isArray(path))
  );
}

type Where = Readonly<Record<string, unknown>>;

/**
 * The filter that all conditions make together; undefined for none.
 * @param isAny whether one of them is enough
 */
export function whereOf(conditions: readonly Condition[], isAny = false): Where | undefined {
  const parts = conditions.map(partOf);
  return parts.length > 1 ? { [isAny ? "OR" : "AND"]: parts } : parts[0];
}

function partOf(condition: Condition): Where {
  const { field, verb, value, nested, anyCase, path } = condition;
  if (!("value" in condition)) {
    return { [field]: { [verb]: nested === undefined ? {} : partOf(nested) } };
  }
  return {
    [field]: {
      [verb]: value,
      ...(anyCase === true ? { mode: "INSENSITIVE" } : {}),
      ...(path === undefined ? {} : { path }),
    },
  };
}

const VERB_WORDS: Readonly<Record<string, string>> = {
  equals: "is",
  not: "is not",
  in: "is one of",
  notIn: "is none of",
  gt: "is greater than",
  gte: "is at least",
  lt: "is less than",
  lte: "is at most",
  contains: "has",
  startsWith: "starts with",
  endsWith: "ends with",
  has: "has",
  hasEvery: "has all of",
  hasSome: "has one of",
  stringContains: "has the text",
  stringStartsWith: "has a text that starts with",
  stringEndsWith: "has a text that ends with",
  arrayContains: "has the item",
  is: "is one where",
  isNot: "is not one where",
  some: "has one where",
  every: "are all such that",
  none: "has none where",
};
/** Of times, "greater" is said so. */
const TIME_WORDS: Readonly<Record<string, string>> = {
  gt: "is after",
  gte: "is at or after",
  lt: "is before",
  lte: "is at or before",
};
/** Operators that ask for one related record, which is chosen by its name. */
export const PICK_WORDS: Readonly<Record<string, string>> = {
  is: "is",
  isNot: "is not",
  some: "has",
  none: "has not",
};
/** Without a condition on the related records. */
const ANY_WORDS: Readonly<Record<string, string>> = {
  is: "is there",
  isNot: "is not there",
  some: "has any",
  every: "has any",
  none: "has none",
};
/** Operators that are yes or no. */
const FLAG_WORDS: Readonly<Record<string, readonly [yes: string, no: string]>> = {
  isNull: ["is empty", "is not empty"],
  isEmpty: ["has no items", "has items"],
};

/** Whether the operator itself is the question, so that nothing is compared. */
export function isFlag(verb: string): boolean {
  return verb in FLAG_WORDS;
}

/** What an operator means, in words. @param type of what it compares with */
export function verbInWords(verb: string, type = ""): string {
  const words = type === "DateTime" ? TIME_WORDS[verb] : undefined;
  return words ?? VERB_WORDS[verb] ?? inWords(verb).toLowerCase();
}

/** What an operator that is yes or no means. */
export function flagInWords(verb: string, isYes: boolean): string {
  return FLAG_WORDS[verb]?.[isYes ? 0 : 1] ?? verb;
}

/** The value that names the related record which the condition asks for; undefined where it asks for something else. @param key the field that has it */
export function pickedValue({ verb, nested }: Condition, key: string): string | number | undefined {
  const isPick = verb in PICK_WORDS && nested?.verb === "equals" && nested.field === key;
  const value = isPick ? nested.value : undefined;
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

/** "Country is one where name starts with Fr". */
export function conditionInWords(condition: Condition): string {
  const { field, verb, value, nested, path } = condition;
  const title = inWords(field);
  if (isFlag(verb)) {
    return `${title} ${flagInWords(verb, value === true)}`;
  }
  if (!("value" in condition)) {
    return nested === undefined
      ? `${title} ${ANY_WORDS[verb] ?? verb}`
      : `${title} ${verbInWords(verb)} ${lowerFirst(conditionInWords(nested))}`;
  }
  const place = path === undefined ? "" : ` (${path.join(".")})`;
  return `${title}${place} ${verbInWords(verb)} ${valueInWords(value)}`;
}

function valueInWords(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map(valueInWords).join(", ");
  }
  return typeof value === "string" ? (value === "" ? "an empty text" : value) : JSON.stringify(value);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

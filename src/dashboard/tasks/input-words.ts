import { verbInWords } from "../models/condition.ts";
import { inWords } from "../models/model.ts";
import { count } from "./task-words.ts";

type Members = Readonly<Record<string, unknown>>;

/** More values than these are counted. */
const MOST_VALUES = 5;
const LONGEST = 80;

/**
 * What a bulk operation or an export was launched with, as a sentence: "population + 1 where country code is FR". Undefined
 * for what has another form.
 */
export function inputInWords(kind: string, input: unknown): string | undefined {
  if (!isMembers(input)) {
    return undefined;
  }
  const { selection, data } = input;
  switch (kind) {
    case "bulkUpdate":
      return isMembers(data) && isMembers(selection)
        ? `${changeInWords(data)} ${selectionInWords(selection)}`
        : undefined;
    case "bulkDelete":
      return isMembers(selection) ? `delete ${selectionInWords(selection).replace(/^of /, "")}` : undefined;
    case "export":
      return `${valueInWords(input["format"])} file of ${valueInWords(input["model"])} ${selectionInWords(input)}`;
    default:
      return recordsInWords(input);
  }
}

/** "5 records, each with its own values". */
function recordsInWords({ records, recordCount }: Members): string | undefined {
  const number = Array.isArray(records) ? records.length : recordCount;
  return typeof number === "number" ? `${count(number)} records, each with its own values` : undefined;
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** "population + 1 and notes = x". */
function changeInWords(data: Members): string {
  return listed(
    Object.entries(data).map(([field, change]) => fieldChange(nameOf(field), change)),
    "and",
  );
}

function fieldChange(field: string, change: unknown): string {
  if (!isMembers(change)) {
    return `${field} = ${valueInWords(change)}`;
  }
  const parts = Object.entries(change).map(([verb, value]) => {
    switch (verb) {
      case "set":
        return value === null ? `${field} cleared` : `${field} = ${valueInWords(value)}`;
      case "increment":
        return `${field} + ${valueInWords(value)}`;
      case "decrement":
        return `${field} − ${valueInWords(value)}`;
      case "multiply":
        return `${field} × ${valueInWords(value)}`;
      case "divide":
        return `${field} ÷ ${valueInWords(value)}`;
      default:
        return `${field}: ${nameOf(verb)} ${valueInWords(value)}`;
    }
  });
  return listed(parts, "and");
}

/** "where country code is FR", "of 3 records". */
function selectionInWords(selection: Members): string {
  const { ids, idCount, where, search } = selection;
  if (Array.isArray(ids) || typeof idCount === "number") {
    const number = Array.isArray(ids) ? ids.length : Number(idCount);
    return number === 1 && Array.isArray(ids) ? `of record ${String(ids[0])}` : `of ${count(number)} records`;
  }
  const parts = [
    ...(isMembers(where) && Object.keys(where).length > 0 ? [whereInWords(where)] : []),
    ...(typeof search === "string" && search !== "" ? [`the words “${search}” are found`] : []),
  ];
  return parts.length === 0 ? "of all records" : `where ${listed(parts, "and")}`;
}

function whereInWords(where: Members): string {
  const parts = Object.entries(where).map(([field, condition]) => {
    const all = Array.isArray(condition) ? condition : [condition];
    const inner = all.filter(isMembers).map(whereInWords);
    switch (field) {
      case "AND":
        return listed(inner, "and");
      case "OR":
        return inner.length > 1 ? `(${listed(inner, "or")})` : inner.join("");
      case "NOT":
        return `not (${listed(inner, "or")})`;
      default:
        return conditionInWords(nameOf(field), condition);
    }
  });
  return listed(parts, "and");
}

function conditionInWords(field: string, condition: unknown): string {
  if (!isMembers(condition)) {
    return `${field} is ${valueInWords(condition)}`;
  }
  const parts = Object.entries(condition)
    .filter(([verb]) => verb !== "mode")
    .map(([verb, value]) => {
      if (verb === "isNull" || verb === "isEmpty") {
        return `${field} ${value === false ? "is not empty" : "is empty"}`;
      }
      if (value === null) {
        return `${field} ${verb === "not" ? "is not empty" : "is empty"}`;
      }
      const words = verbInWords(verb);
      return isMembers(value)
        ? `${field} ${words} ${whereInWords(value)}`
        : `${field} ${words} ${valueInWords(value)}`;
    });
  return listed(parts, "and");
}

function valueInWords(value: unknown): string {
  if (Array.isArray(value)) {
    const shown = value.slice(0, MOST_VALUES).map(valueInWords);
    return value.length > MOST_VALUES
      ? `${shown.join(", ")} and ${count(value.length - MOST_VALUES)} more`
      : listed(shown, "or");
  }
  if (typeof value === "string") {
    const text = value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value;
    return /^[\p{L}\d._-]+$/u.test(text) ? text : `“${text}”`;
  }
  return typeof value === "number" ? count(value) : (JSON.stringify(value) ?? "nothing");
}

/** "a, b and c". */
function listed(parts: readonly string[], word: string): string {
  return parts.length < 2
    ? (parts[0] ?? "")
    : `${parts.slice(0, -1).join(", ")} ${word} ${parts.at(-1) ?? ""}`;
}

function nameOf(field: string): string {
  const words = inWords(field);
  return words.charAt(0).toLowerCase() + words.slice(1);
}

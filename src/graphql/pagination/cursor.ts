import { AppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";
import { toJsonValue } from "../../kernel/json.ts";
import { describeMisfit } from "../../core/records/column-value.ts";
import type { EnumType } from "../../core/records/model.ts";
import type { OrderTerm } from "./order-terms.ts";
import { isNullableTerm, termPath } from "./order-terms.ts";

/** A record's place in a list: its value for each term of the order. The record itself may be gone by then. */
export type CursorValues = readonly Json[];

/** Whether a record's neighbours in the list are equal to it in all terms, so that its cursor could not tell them apart. */
export interface Ties {
  readonly isTiedBefore: boolean;
  readonly isTiedAfter: boolean;
}

/** The record's cursor: base64url of JSON, opaque to clients. It begins with the order, so that another order is noticed. */
export function encodeCursor(
  terms: readonly OrderTerm[],
  record: Readonly<Record<string, unknown>>,
  ties: Ties = { isTiedBefore: false, isTiedAfter: false },
): string {
  const isTied = ties.isTiedBefore || ties.isTiedAfter;
  const parts = [describeOrder(terms), ...valuesOf(terms, record), ...(isTied ? [ties] : [])];
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** Whether two records have the same place in the order. */
export function areTied(
  terms: readonly OrderTerm[],
  one: Readonly<Record<string, unknown>> | undefined,
  other: Readonly<Record<string, unknown>> | undefined,
): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    JSON.stringify(valuesOf(terms, one)) === JSON.stringify(valuesOf(terms, other))
  );
}

function valuesOf(terms: readonly OrderTerm[], record: Readonly<Record<string, unknown>>): CursorValues {
  return terms.map((term) => toJsonValue(valueOf(term, record)));
}

/**
 * @param name the argument's, for the message
 * @throws AppError VALIDATION_FAILED when it is not a cursor, or one of a list in another order
 */
export function decodeCursor(
  terms: readonly OrderTerm[],
  enums: readonly EnumType[],
  name: "after" | "before",
  cursor: string,
): CursorValues {
  const [order, ...parts] = parse(cursor) ?? [];
  if (typeof order !== "string") {
    throw invalid(name, `${name} is not a cursor. Take it from pageInfo or an edge of an earlier page.`);
  }
  const expected = describeOrder(terms);
  if (order !== expected) {
    throw invalid(
      name,
      `${name} is a cursor of a list ordered by ${order}; this one is ordered by ${expected}. Use the same orderBy, or start again without ${name}.`,
    );
  }
  const last: unknown = parts.at(-1);
  const ties = isTies(last) ? last : undefined;
  const values = ties === undefined ? parts : parts.slice(0, -1);
  const isFit =
    values.length === terms.length &&
    terms.every((term, at) => {
      const value = values[at] ?? null;
      return value === null ? isNullableTerm(term) : describeMisfit(term.column, enums, value) === undefined;
    });
  if (!isFit) {
    throw invalid(name, `${name} is a damaged cursor. Take it from pageInfo or an edge of an earlier page.`);
  }
  refuseTie(name, ties);
  return values;
}

/** @throws AppError VALIDATION_FAILED when the records on the cursor's far side include some that are equal to its own */
function refuseTie(name: "after" | "before", ties: Ties | undefined): void {
  if (name === "after" ? ties?.isTiedAfter === true : ties?.isTiedBefore === true) {
    throw invalid(
      name,
      `${name} is the cursor of one of several records that are equal in every column that can be ordered. Take it from pageInfo: pages end between different records.`,
    );
  }
}

function isTies(part: unknown): part is Ties {
  return typeof part === "object" && part !== null && "isTiedBefore" in part && "isTiedAfter" in part;
}

function parse(cursor: string): readonly Json[] | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    return Array.isArray(parsed) ? (parsed as readonly Json[]) : undefined;
  } catch {
    return undefined;
  }
}

function valueOf(term: OrderTerm, record: Readonly<Record<string, unknown>>): unknown {
  let holder: Readonly<Record<string, unknown>> | null | undefined = record;
  for (const relation of term.relations) {
    holder = holder?.[relation.name] as Readonly<Record<string, unknown>> | null | undefined;
  }
  return holder?.[term.column.name];
}

/** `country.name desc, id asc` */
function describeOrder(terms: readonly OrderTerm[]): string {
  return terms
    .map((term) => {
      const nulls = isNullableTerm(term) ? ` nulls ${term.areNullsFirst ? "first" : "last"}` : "";
      return `${termPath(term)} ${term.isDescending ? "desc" : "asc"}${nulls}`;
    })
    .join(", ");
}

function invalid(field: string, message: string): AppError {
  return new AppError("VALIDATION_FAILED", message, { details: { field } });
}

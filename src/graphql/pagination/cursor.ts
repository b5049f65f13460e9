import { AppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";
import { isStorableText } from "../../kernel/json.ts";
import type { ListPlace, OrderTerm } from "../../core/records/list-pages.ts";
import { damagedCursor, isNullableTerm } from "../../core/records/list-pages.ts";
import { termPath } from "../../core/filters/order-terms.ts";

/** Whether a record's neighbours in the list are equal to it in all terms, so that its cursor could not tell them apart. */
export interface Ties {
  readonly isTiedBefore: boolean;
  readonly isTiedAfter: boolean;
}

/** A place's cursor: base64url of JSON, opaque to clients. It begins with the order, so that another order is noticed. */
export function encodeCursor(
  terms: readonly OrderTerm[],
  place: ListPlace,
  ties: Ties = { isTiedBefore: false, isTiedAfter: false },
): string {
  const isTied = ties.isTiedBefore || ties.isTiedAfter;
  const parts = [describeOrder(terms), ...place, ...(isTied ? [ties] : [])];
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** Whether two records have the same place in the order. */
export function areTied(one: ListPlace | undefined, other: ListPlace | undefined): boolean {
  return one !== undefined && other !== undefined && JSON.stringify(one) === JSON.stringify(other);
}

/**
 * @param name the argument's, for the message
 * @throws AppError VALIDATION_FAILED when it is not a cursor, or one of a list in another order
 */
export function decodeCursor(
  terms: readonly OrderTerm[],
  name: "after" | "before",
  cursor: string,
): ListPlace {
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
  if (!isPlace(terms, values)) {
    throw damagedCursor(name);
  }
  refuseTie(name, ties);
  return values;
}

/** Whether the values can be a place. Only the database knows whether the texts are values of their columns. */
function isPlace(terms: readonly OrderTerm[], values: readonly Json[]): values is (string | null)[] {
  return (
    values.length === terms.length &&
    terms.every((term, at) => {
      const value = values[at] ?? null;
      return value === null ? isNullableTerm(term) : typeof value === "string" && isStorableText(value);
    })
  );
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

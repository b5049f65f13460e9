import { AppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";
import { isStorableText, toJsonValue } from "../../kernel/json.ts";
import { toColumnText } from "../../core/records/column-text.ts";
import type { ListPlace, OrderTerm } from "../../core/records/list-pages.ts";
import { isNullableTerm } from "../../core/records/list-pages.ts";
import { termPath } from "./order-terms.ts";

/** A place's cursor: base64url of JSON, opaque to clients. It begins with the order, so that another order is noticed. */
export function encodeCursor(terms: readonly OrderTerm[], place: ListPlace): string {
  return Buffer.from(JSON.stringify([describeOrder(terms), ...place])).toString("base64url");
}

/** The place of a record that the client read. Its record may be gone by the time that it is used. */
export function placeOf(terms: readonly OrderTerm[], record: Readonly<Record<string, unknown>>): ListPlace {
  return terms.map((term) => {
    const value = valueOf(term, record);
    // JSON has neither NaN nor infinity.
    return typeof value === "number" ? String(value) : toColumnText(term.column, toJsonValue(value));
  });
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
  const [order, ...values] = parse(cursor) ?? [];
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
  if (!isPlace(terms, values)) {
    throw invalid(name, `${name} is a damaged cursor. Take it from pageInfo or an edge of an earlier page.`);
  }
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
  return holder?.[term.column.name] ?? null;
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

import { AppError } from "../../kernel/app-error.ts";

/** Which of the two things that may be done to a record the value belongs to. */
export type RowPart = "create" | "update";

/** How links of a many-to-many relation change. */
export type LinkOperator = "add" | "remove" | "set";

/** What a column of a batch of records is for. */
export type RowField =
  /** A column's value. */
  | { readonly kind: "VALUE"; readonly part: RowPart; readonly field: string }
  /** Ids of records to link with, as a JSON array. */
  | {
      readonly kind: "LINKS";
      readonly part: RowPart;
      readonly field: string;
      readonly operator: LinkOperator;
    }
  /** The `@updatedAt` that the record must still have, or null. */
  | { readonly kind: "EXPECTED" }
  /** The record's place in the caller's list, from 0. */
  | { readonly kind: "INDEX" };

const OPERATORS: readonly string[] = ["add", "remove", "set"] satisfies readonly LinkOperator[];

/** As it is kept with a chunk: `update:name`, `create:tags:add`, `:expected`, `:index`. */
export function formatRowField(field: RowField): string {
  switch (field.kind) {
    case "VALUE":
      return `${field.part}:${field.field}`;
    case "LINKS":
      return `${field.part}:${field.field}:${field.operator}`;
    case "EXPECTED":
      return ":expected";
    case "INDEX":
      return ":index";
  }
}

/** @throws AppError INTERNAL for a text that {@link formatRowField} does not make */
export function parseRowField(text: string): RowField {
  const [part = "", field = "", operator] = text.split(":");
  if (part === "") {
    return { kind: field === "expected" ? "EXPECTED" : "INDEX" };
  }
  if (part !== "create" && part !== "update") {
    throw new AppError("INTERNAL", `a chunk has values for "${text}", which nobody knows`);
  }
  return operator !== undefined && OPERATORS.includes(operator)
    ? { kind: "LINKS", part, field, operator: operator as LinkOperator }
    : { kind: "VALUE", part, field };
}

/** The model's fields that stand among a batch's. */
export function namedFields(texts: readonly string[]): readonly string[] {
  const fields = texts.map(parseRowField);
  return [...new Set(fields.flatMap((field) => ("field" in field ? [field.field] : [])))];
}

/** Those of them whose values or links are written by one of the two things that may be done to a record. */
export function namedFieldsOf(texts: readonly string[], part: RowPart): readonly string[] {
  return namedFields(texts.filter((text) => text.startsWith(`${part}:`)));
}

import { AppError } from "../../kernel/app-error.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";

/** Whether a value belongs to the create or the update half of an upsert. */
export type RowPart = "create" | "update";

/** How links of a many-to-many relation change. */
export type LinkOperator = "add" | "remove" | "set";

/** What a column of a batch holds. */
export type RowField =
  /** A column's value. */
  | { readonly kind: "VALUE"; readonly part: RowPart; readonly field: string }
  /** Ids of records to link or unlink, as a JSON array. */
  | {
      readonly kind: "LINKS";
      readonly part: RowPart;
      readonly field: string;
      readonly operator: LinkOperator;
    }
  /** A value of the key that names the record (see named-batch). */
  | { readonly kind: "KEY"; readonly field: string }
  /** The id that the record gets if it is created, where it is named by a key and was not there (see named-batch). */
  | { readonly kind: "NEW_ID" }
  /** The `@updatedAt` that the record must still have, or null. */
  | { readonly kind: "EXPECTED" }
  /** The record's place in the caller's list, from 0. */
  | { readonly kind: "INDEX" };

const OPERATORS: readonly string[] = ["add", "remove", "set"] satisfies readonly LinkOperator[];

/**
 * The field as a text, as it is stored with a chunk: `update:name`, `create:tags:add`, `key:email`, `:new`,
 * `:expected`, `:index`.
 */
export function formatRowField(field: RowField): string {
  switch (field.kind) {
    case "VALUE":
      return `${field.part}:${field.field}`;
    case "LINKS":
      return `${field.part}:${field.field}:${field.operator}`;
    case "KEY":
      return `key:${field.field}`;
    case "NEW_ID":
      return ":new";
    case "EXPECTED":
      return ":expected";
    case "INDEX":
      return ":index";
  }
}

const OTHERS: Readonly<Record<string, "NEW_ID" | "EXPECTED">> = { new: "NEW_ID", expected: "EXPECTED" };

/** The field of an expected `@updatedAt`. */
export const EXPECTED_FIELD = formatRowField({ kind: "EXPECTED" });

/** Every write asks for the same few, many times. */
const parsed = new Map<string, RowField>();
const MAX_PARSED = 10_000;

/** @throws AppError INTERNAL for a text that {@link formatRowField} does not make */
export function parseRowField(text: string): RowField {
  let field = parsed.get(text);
  if (field === undefined) {
    field = readRowField(text);
    if (parsed.size >= MAX_PARSED) {
      parsed.clear();
    }
    parsed.set(text, field);
  }
  return field;
}

function readRowField(text: string): RowField {
  const [part = "", field = "", operator] = text.split(":");
  if (part === "") {
    return { kind: OTHERS[field] ?? "INDEX" };
  }
  if (part === "key") {
    return { kind: "KEY", field };
  }
  if (part !== "create" && part !== "update") {
    throw new AppError("INTERNAL", `a chunk has values for "${text}", which is not a row field`);
  }
  return operator !== undefined && OPERATORS.includes(operator)
    ? { kind: "LINKS", part, field, operator: operator as LinkOperator }
    : { kind: "VALUE", part, field };
}

/** Names of the model's fields to which a batch writes. */
export function namedFields(texts: readonly string[]): readonly string[] {
  const fields = texts.map(parseRowField);
  return [...new Set(fields.flatMap((field) => ("part" in field ? [field.field] : [])))];
}

/** Names of the model's fields in the create or update half of a batch. */
export function namedFieldsOf(texts: readonly string[], part: RowPart): readonly string[] {
  return namedFields(texts.filter((text) => text.startsWith(`${part}:`)));
}

const INDEX = formatRowField({ kind: "INDEX" });

/** Finds the place in the caller's list of each record of a batch, if it is known. */
export function batchIndexes({ ids, fields, columns }: RecordBatch): (id: string) => { index?: number } {
  const indexes = columns[fields.indexOf(INDEX)];
  if (indexes === undefined) {
    return () => ({});
  }
  const byId = new Map(ids.map((id, at) => [id, Number(indexes[at])]));
  return (id) => {
    const index = byId.get(id);
    return index === undefined ? {} : { index };
  };
}

/** The same for several batches. They are indexed at the first call. */
export function placesInList(batches: readonly RecordBatch[]): (id: string) => { index?: number } {
  let places: ReadonlyMap<string, { index?: number }> | undefined;
  return (id) => {
    places ??= new Map(
      batches.flatMap((batch) => {
        const indexOf = batchIndexes(batch);
        return batch.ids.map((each) => [each, indexOf(each)] as const);
      }),
    );
    return places.get(id) ?? {};
  };
}

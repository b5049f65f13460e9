import type { Json } from "../../kernel/json.ts";
import type { ColumnField } from "./model.ts";

/** The value that column-text made the text of, as JSON has it. */
export function fromColumnText(field: ColumnField, text: string | null): Json {
  if (text === null) {
    return null;
  }
  return field.isList
    ? (JSON.parse(text) as readonly string[]).map((item) => itemOf(field, item))
    : itemOf(field, text);
}

/** An enum's value by its name in the schema, given the database's. */
export function enumName(
  { labels }: { readonly labels?: Readonly<Record<string, string>> },
  label: string,
): string {
  const found = Object.entries(labels ?? {}).find(([, known]) => known === label);
  return found?.[0] ?? label;
}

function itemOf(field: ColumnField, text: string): Json {
  if (field.kind === "enum") {
    return enumName(field, text);
  }
  const parse = PARSERS[field.type];
  return parse === undefined ? text : parse(text);
}

/** Of the types whose values are not texts. */
const PARSERS: Readonly<Record<string, (text: string) => Json>> = {
  Int: Number,
  Float: Number,
  Boolean: (text) => text === "true",
  Json: (text) => JSON.parse(text) as Json,
};

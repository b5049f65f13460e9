import { isoMoment } from "../../kernel/date-time-text.ts";
import type { Json } from "../../kernel/json.ts";
import { oncePer } from "../../kernel/once-per.ts";
import type { LinkChange } from "../records/change.ts";
import { toColumnText } from "../records/column-text.ts";
import type { ColumnField, Model, ModelRegistry } from "../records/model.ts";
import { columnsOf, relationsOf } from "../records/model.ts";
import { formatRecordKey, keyInData } from "../records/record-key.ts";
import type { ParsedName } from "../records/record-name.ts";
import { textOfName } from "../records/record-name.ts";
import type { Parsed } from "../refusals/problems.ts";
import type { RowData, RowsTarget, UpdateRow, UpsertRow } from "./bulk-request.ts";
import { canonicalLinks } from "./check-links.ts";
import type { RowRecord } from "./find-rows.ts";
import type { LinkOperator, RowField, RowPart } from "./row-field.ts";
import { EXPECTED_FIELD, formatRowField } from "./row-field.ts";

/** A record's values as texts, by row field (see row-field). */
export interface EncodedRow {
  /** Its id, or its name while it has none. Undefined for a new record whose key is to be made. */
  readonly id: string | undefined;
  readonly texts: Map<string, string | null>;
  readonly index: number;
  /** True for a record that is named by a key and not there. */
  readonly isAbsent?: boolean;
  /** The id that it gets then; undefined if its own key is to be made. */
  readonly newId?: string | undefined;
}

type EncodeRow = (
  operation: RowsTarget["operation"],
  row: RowData | UpdateRow | UpsertRow,
  index: number,
  record: RowRecord | undefined,
) => Parsed<EncodedRow>;

/** The model's columns, and the models that its relations lead to, by the fields' names. */
export const namesOf = oncePer((model: Model) => ({
  columns: new Map(columnsOf(model).map((field) => [field.name, field])),
  targets: new Map(relationsOf(model).map(({ name, type }) => [name, type])),
}));

/** Encodes the rows of a list, one by one. */
export function createRowEncoder(models: ModelRegistry, model: Model): EncodeRow {
  const { columns, targets } = namesOf(model);
  const put = (texts: EncodedRow["texts"], part: RowPart, data: RowData): void => {
    // Sorted, so that rows that name the same fields have the same shape.
    for (const name of Object.keys(data).toSorted()) {
      const column = columns.get(name);
      if (column === undefined) {
        const links = canonicalLinks(models.get(targets.get(name) ?? ""), data[name] as LinkChange);
        for (const [operator, ids] of Object.entries(links)) {
          const field: RowField = { kind: "LINKS", part, field: name, operator: operator as LinkOperator };
          texts.set(formatRowField(field), JSON.stringify(ids));
        }
      } else {
        texts.set(
          formatRowField({ kind: "VALUE", part, field: name }),
          toColumnText(column, data[name] as Json),
        );
      }
    }
  };
  return (operation, row, index, record) => {
    const texts: EncodedRow["texts"] = new Map();
    if (operation === "CREATE") {
      put(texts, "create", row as RowData);
      return keyed(givenKey(model, row as RowData), texts, index);
    }
    const name = record?.name;
    const id = idOrName(record);
    if (operation === "UPDATE_EACH") {
      const { data, expectedUpdatedAt } = row as UpdateRow;
      put(texts, "update", data);
      if (typeof expectedUpdatedAt === "string") {
        texts.set(EXPECTED_FIELD, new Date(expectedUpdatedAt).toISOString());
      }
      putKey(texts, name);
      return { value: { id, texts, index } };
    }
    const { create, update } = row as UpsertRow;
    // Values of the create that name the record agree with its name (see check-rows).
    const filled = name?.kind === "KEY" ? { ...name.values, ...create } : withoutKey(model, create);
    put(texts, "create", filled);
    put(texts, "update", update);
    putKey(texts, name);
    const isAbsent = record?.id === undefined;
    const newId = isAbsent ? givenKey(model, filled) : { value: undefined };
    return "problems" in newId ? newId : { value: { id, texts, index, isAbsent, newId: newId.value } };
  };
}

function idOrName(record: RowRecord | undefined): string | undefined {
  return record && (record.id ?? textOfName(record.name));
}

function putKey(texts: EncodedRow["texts"], name: ParsedName | undefined): void {
  if (name?.kind === "KEY") {
    name.unique.fields.forEach((field, at) =>
      texts.set(formatRowField({ kind: "KEY", field: field.name }), name.texts[at] ?? null),
    );
  }
}

function keyed(
  id: Parsed<string | undefined>,
  texts: EncodedRow["texts"],
  index: number,
): Parsed<EncodedRow> {
  return "problems" in id ? id : { value: { id: id.value, texts, index } };
}

function withoutKey(model: Model, data: RowData): RowData {
  return Object.fromEntries(
    Object.entries(data).filter(([name]) => model.key.every((field) => field.name !== name)),
  );
}

/** The record's id if the data names its whole key. */
function givenKey(model: Model, data: RowData): Parsed<string | undefined> {
  return model.key.every(({ name }) => data[name] !== undefined) ? idOf(model, data) : { value: undefined };
}

/** The id of a key with JSON values. */
export function idOf(model: Model, data: Readonly<Record<string, unknown>>): Parsed<string> {
  const texts = Object.fromEntries(model.key.map((field) => [field.name, keyText(field, data[field.name])]));
  const key = keyInData(model, texts);
  return "problems" in key ? key : { value: formatRecordKey(model, key.value) };
}

function keyText(field: ColumnField, value: unknown): string {
  return field.type === "DateTime" ? isoMoment(String(value)) : String(value);
}

import { AppError, isAppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";
import { toColumnText } from "../records/column-text.ts";
import type { LinkChange } from "../records/change.ts";
import type { ColumnField, Model, ModelRegistry } from "../records/model.ts";
import { columnsOf, relationsOf } from "../records/model.ts";
import { keyInData } from "../records/key-in-data.ts";
import { canonicalRecordId, formatRecordKey } from "../records/record-key.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { RowData, UpdateRow, UpsertRow } from "./bulk-request.ts";
import { canonicalLinks } from "./check-links.ts";
import type { RowsTarget } from "./check-rows.ts";
import { fillRows } from "./fill-rows.ts";
import { listName } from "./list-name.ts";
import type { RecordDefaults } from "./record-defaults.ts";
import type { LinkOperator, RowField, RowPart } from "./row-field.ts";
import { formatRowField } from "./row-field.ts";

/** What encoding works with. */
export interface EncodePorts {
  readonly models: ModelRegistry;
  readonly defaults: RecordDefaults;
}

/** A record's values as texts, by what they are for. */
interface EncodedRow {
  /** Undefined for a new record whose key is to be made. */
  readonly id: string | undefined;
  readonly texts: Map<string, string | null>;
  readonly index: number;
}

/**
 * Turns a checked list of records into batches, one for each set of fields that some of them name: each batch can be
 * written by one statement. New records get their keys, and what else is to be made.
 */
export async function encodeRows(
  ports: EncodePorts,
  model: Model,
  given: RowsTarget,
): Promise<readonly RecordBatch[]> {
  const target = fillRows(model, given);
  const shapes = new Map<string, EncodedRow[]>();
  const encode = createRowEncoder(ports.models, model);
  for (const [index, row] of target.records.entries()) {
    const encoded = locate(target.operation, index, () => encode(target.operation, row, index));
    const shape = [encoded.id === undefined ? "new" : "known", ...encoded.texts.keys()].join("\n");
    const rows = shapes.get(shape);
    if (rows === undefined) {
      shapes.set(shape, [encoded]);
    } else {
      rows.push(encoded);
    }
  }
  const batches: RecordBatch[] = [];
  for (const rows of shapes.values()) {
    batches.push(await toBatch(ports, model, target.operation, rows));
  }
  refuseRepeated(model, target.operation, batches);
  return batches;
}

/** Says of what is wrong with a record's key where in the list it stands. */
function locate<T>(operation: RowsTarget["operation"], index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw located(operation, index, error);
  }
}

function located(operation: RowsTarget["operation"], index: number, error: unknown): unknown {
  if (!isAppError(error, "VALIDATION_FAILED")) {
    return error;
  }
  const field = `${listName(operation)}.${index}.${String(error.details["field"])}`;
  return new AppError("VALIDATION_FAILED", `${field}: ${error.message}`, { details: { field } });
}

type EncodeRow = (
  operation: RowsTarget["operation"],
  row: RowData | UpdateRow | UpsertRow,
  index: number,
) => EncodedRow;

function createRowEncoder(models: ModelRegistry, model: Model): EncodeRow {
  const columns = new Map(columnsOf(model).map((field) => [field.name, field]));
  const targets = new Map(relationsOf(model).map(({ name, type }) => [name, type]));
  const put = (texts: EncodedRow["texts"], part: RowPart, data: RowData): void => {
    // In one order, so that rows that name the same fields are of one shape.
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
  return (operation, row, index) => {
    const texts: EncodedRow["texts"] = new Map();
    switch (operation) {
      case "CREATE":
        put(texts, "create", row as RowData);
        return { id: givenKey(model, row as RowData), texts, index };
      case "UPDATE_EACH": {
        const { id, data, expectedUpdatedAt } = row as UpdateRow;
        put(texts, "update", data);
        if (expectedUpdatedAt !== undefined) {
          texts.set(formatRowField({ kind: "EXPECTED" }), new Date(expectedUpdatedAt).toISOString());
        }
        return { id: canonicalRecordId(model, id), texts, index };
      }
      case "UPSERT": {
        const { id, create, update } = row as UpsertRow;
        // The key is the id's; what the create says of it agrees (see check-rows).
        put(texts, "create", withoutKey(model, create));
        put(texts, "update", update);
        return { id: canonicalRecordId(model, id), texts, index };
      }
    }
  };
}

function withoutKey(model: Model, data: RowData): RowData {
  return Object.fromEntries(
    Object.entries(data).filter(([name]) => model.key.every((field) => field.name !== name)),
  );
}

/** The record's id where the data names its whole key. */
function givenKey(model: Model, data: RowData): string | undefined {
  return model.key.every(({ name }) => data[name] !== undefined) ? idOf(model, data) : undefined;
}

/** Of the key's values as JSON has them. */
function idOf(model: Model, data: Readonly<Record<string, unknown>>): string {
  const texts = Object.fromEntries(model.key.map((field) => [field.name, keyText(field, data[field.name])]));
  return formatRecordKey(model, keyInData(model, texts));
}

function keyText(field: ColumnField, value: unknown): string {
  return field.type === "DateTime" ? new Date(String(value)).toISOString() : String(value);
}

async function toBatch(
  { defaults }: EncodePorts,
  model: Model,
  operation: RowsTarget["operation"],
  rows: readonly EncodedRow[],
): Promise<RecordBatch> {
  const given = [...(rows[0]?.texts.keys() ?? [])];
  const columns = given.map((name) => rows.map(({ texts }) => texts.get(name) ?? null));
  const made =
    operation === "UPDATE_EACH"
      ? new Map()
      : await makeDefaults(defaults, model, operation, given, rows).catch((error: unknown) => {
          throw located(operation, rows[0]?.index ?? 0, error);
        });
  const ids = rows.map(({ id }, at) => id ?? madeId(model, rows[at], made, at));
  const madeFields = [...made.keys()];
  return {
    ids,
    fields: [
      ...given,
      ...madeFields.map((field) => formatRowField({ kind: "VALUE", part: "create", field })),
      formatRowField({ kind: "INDEX" }),
    ],
    columns: [
      ...columns,
      ...madeFields.map((name) => (made.get(name) ?? []).map((value: Json) => textOf(model, name, value))),
      rows.map(({ index }) => String(index)),
    ],
  };
}

function makeDefaults(
  defaults: RecordDefaults,
  model: Model,
  operation: RowsTarget["operation"],
  given: readonly string[],
  rows: readonly EncodedRow[],
): Promise<ReadonlyMap<string, readonly Json[]>> {
  const prefix = "create:";
  const named = given.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const keys = operation === "UPSERT" ? model.key.map(({ name }) => name) : [];
  return defaults.make(model, [...new Set([...named, ...keys])], rows.length);
}

function madeId(
  model: Model,
  row: EncodedRow | undefined,
  made: ReadonlyMap<string, readonly Json[]>,
  at: number,
): string {
  const key = Object.fromEntries(
    model.key.map(({ name }) => [
      name,
      made.get(name)?.[at] ??
        row?.texts.get(formatRowField({ kind: "VALUE", part: "create", field: name })) ??
        null,
    ]),
  );
  return idOf(model, key);
}

function textOf(model: Model, name: string, value: Json): string | null {
  const field = columnsOf(model).find((column) => column.name === name);
  return field === undefined ? null : toColumnText(field, value);
}

/** Keys of new records stand in their data; only here it is seen whether two are the same. */
function refuseRepeated(
  model: Model,
  operation: RowsTarget["operation"],
  batches: readonly RecordBatch[],
): void {
  const seen = new Map<string, string>();
  for (const { ids, columns } of batches) {
    for (const [at, id] of ids.entries()) {
      // The last of a batch's columns has the places in the list.
      const place = `${listName(operation)}.${columns.at(-1)?.[at]}`;
      const other = seen.get(id);
      if (other !== undefined) {
        const message = `${place}: ${model.name} ${id} is in ${other} too. Give each record once.`;
        throw new AppError("VALIDATION_FAILED", message, { details: { field: place } });
      }
      seen.set(id, place);
    }
  }
}

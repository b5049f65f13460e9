import { isoMoment } from "../../kernel/date-time-text.ts";
import type { Json } from "../../kernel/json.ts";
import { oncePer } from "../../kernel/once-per.ts";
import type { LinkChange } from "../records/change.ts";
import { toColumnText } from "../records/column-text.ts";
import type { ColumnField, Model, ModelRegistry } from "../records/model.ts";
import { columnsOf, refersToItself, relationsOf } from "../records/model.ts";
import type { RecordDefaults } from "../records/record-defaults.ts";
import { formatRecordKey, keyInData } from "../records/record-key.ts";
import type { ParsedName } from "../records/record-name.ts";
import { textOfName } from "../records/record-name.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { RowData, RowPaths, RowsTarget, UpdateRow, UpsertRow } from "./bulk-request.ts";
import { fieldPath, listedRowPaths } from "./bulk-request.ts";
import { canonicalLinks } from "./check-links.ts";
import type { RowRecord } from "./find-rows.ts";
import type { LinkOperator, RowField, RowPart } from "./row-field.ts";
import { EXPECTED_FIELD, formatRowField } from "./row-field.ts";

/** What encoding needs. */
export interface EncodePorts {
  readonly models: ModelRegistry;
  readonly defaults: RecordDefaults;
}

/** A record's values as texts, by row field (see row-field). */
interface EncodedRow {
  /** Its id, or its name while it has none. Undefined for a new record whose key is to be made. */
  readonly id: string | undefined;
  readonly texts: Map<string, string | null>;
  readonly index: number;
  /** True for a record that is named by a key and not there. */
  readonly isAbsent?: boolean;
  /** The id that it gets then; undefined if its own key is to be made. */
  readonly newId?: string | undefined;
}

/** A list of records, encoded. */
export interface EncodedRows {
  readonly batches: readonly RecordBatch[];
  /**
   * The ids that the caller gave for records that are named by another key and not there, with these records' names.
   */
  readonly created: ReadonlyMap<string, string>;
}

/**
 * Turns a checked list of records into batches. Records that name the same fields make one batch, which one statement
 * can write. New records get their keys, and the defaults that must be known beforehand. A batch also holds the place
 * of each record in the list.
 * @param records that the rows name, see find-rows; empty for new ones
 */
export async function encodeRows(
  ports: EncodePorts,
  model: Model,
  given: RowsTarget,
  records: readonly RowRecord[],
  pathsOf: (operation: RowsTarget["operation"], at: number) => RowPaths = listedRowPaths,
): Promise<Parsed<EncodedRows>> {
  const target = fillRows(model, given);
  const pathOf = (index: number): string => pathsOf(target.operation, index).record;
  const shapes = encodeByShape(ports.models, model, target, records, pathOf);
  if ("problems" in shapes) {
    return shapes;
  }
  const batches: RecordBatch[] = [];
  for (const rows of shapes.value) {
    const batch = await toBatch(ports, model, target.operation, rows);
    if ("problems" in batch) {
      return { problems: located(pathOf(rows[0]?.index ?? 0), batch.problems) };
    }
    batches.push(withPlaces(batch.value, rows));
  }
  const repeated = repeatedKeys(model, pathOf, batches);
  return repeated.length > 0
    ? { problems: repeated }
    : { value: { batches, created: givenIds(shapes.value.flat()) } };
}

/** The rows, by the fields that they name. */
function encodeByShape(
  models: ModelRegistry,
  model: Model,
  target: RowsTarget,
  records: readonly RowRecord[],
  pathOf: (index: number) => string,
): Parsed<readonly (readonly EncodedRow[])[]> {
  const shapes = new Map<string, EncodedRow[]>();
  const encode = createRowEncoder(models, model);
  for (const [index, row] of target.records.entries()) {
    const encoded = encode(target.operation, row, index, records[index]);
    if ("problems" in encoded) {
      return { problems: located(pathOf(index), encoded.problems) };
    }
    const { id, texts, isAbsent = false, newId } = encoded.value;
    const state = id === undefined ? "new" : isAbsent ? `absent ${newId === undefined}` : "known";
    const shape = [state, ...texts.keys()].join("\n");
    const rows = shapes.get(shape);
    if (rows === undefined) {
      shapes.set(shape, [encoded.value]);
    } else {
      rows.push(encoded.value);
    }
  }
  return { value: [...shapes.values()] };
}

/** The same for the one checked record of a single write: a batch of one. */
export function encodeOneRow(
  ports: EncodePorts,
  model: Model,
  { operation, records: [row] }: RowsTarget,
  [record]: readonly RowRecord[],
): Promise<Parsed<RecordBatch>> {
  const encoded = createRowEncoder(ports.models, model)(operation, row ?? {}, 0, record);
  return "problems" in encoded ? Promise.resolve(encoded) : toBatch(ports, model, operation, [encoded.value]);
}

/**
 * Gives new records of a model that refers to itself the same fields where possible: a field that only some of them
 * name becomes null in the others, if leaving it out means null. So a record and the one that it refers to are written
 * by one statement in the order of the list, not by two in the wrong order.
 */
function fillRows(model: Model, target: RowsTarget): RowsTarget {
  if (target.operation !== "CREATE" || !refersToItself(model)) {
    return target;
  }
  const named = new Set(target.records.flatMap((record) => Object.keys(record)));
  const filled = columnsOf(model).filter(
    ({ name, isNullable, hasDefault }) => named.has(name) && isNullable && !hasDefault,
  );
  const nulls = Object.fromEntries(filled.map(({ name }) => [name, null]));
  return { ...target, records: target.records.map((record) => ({ ...nulls, ...record })) };
}

/** The problems of a record in a list, with its path. */
function located(path: string, problems: readonly RecordProblem[]): readonly RecordProblem[] {
  return problems.map(({ message, field = "" }) => {
    const whole = fieldPath(path, field);
    return problem(`${whole}: ${message}`, whole);
  });
}

type EncodeRow = (
  operation: RowsTarget["operation"],
  row: RowData | UpdateRow | UpsertRow,
  index: number,
  record: RowRecord | undefined,
) => Parsed<EncodedRow>;

/** The model's columns, and the models that its relations lead to, by the fields' names. */
const namesOf = oncePer((model: Model) => ({
  columns: new Map(columnsOf(model).map((field) => [field.name, field])),
  targets: new Map(relationsOf(model).map(({ name, type }) => [name, type])),
}));

function createRowEncoder(models: ModelRegistry, model: Model): EncodeRow {
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

/** The ids that the caller gave for records that are not there; see {@link EncodedRows.created}. */
function givenIds(rows: readonly EncodedRow[]): ReadonlyMap<string, string> {
  return new Map(
    rows.flatMap(({ id, newId }) => (id === undefined || newId === undefined ? [] : [[newId, id] as const])),
  );
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
function idOf(model: Model, data: Readonly<Record<string, unknown>>): Parsed<string> {
  const texts = Object.fromEntries(model.key.map((field) => [field.name, keyText(field, data[field.name])]));
  const key = keyInData(model, texts);
  return "problems" in key ? key : { value: formatRecordKey(model, key.value) };
}

function keyText(field: ColumnField, value: unknown): string {
  return field.type === "DateTime" ? isoMoment(String(value)) : String(value);
}

async function toBatch(
  { defaults }: EncodePorts,
  model: Model,
  operation: RowsTarget["operation"],
  rows: readonly EncodedRow[],
): Promise<Parsed<RecordBatch>> {
  const given = [...(rows[0]?.texts.keys() ?? [])];
  const made =
    operation === "UPDATE_EACH"
      ? { value: new Map<string, readonly Json[]>() }
      : await makeDefaults(defaults, model, operation, given, rows);
  if ("problems" in made) {
    return made;
  }
  const ids = ownIds(model, rows, made.value);
  if ("problems" in ids) {
    return ids;
  }
  const batch = withDefaults(model, given, rows, made.value);
  return { value: areAbsent(rows) ? withNewIds(batch, ids.value) : { ...batch, ids: ids.value } };
}

/** Whether the rows, which all have the same shape, are for records that are named by a key and not there. */
function areAbsent(rows: readonly EncodedRow[]): boolean {
  return rows[0]?.isAbsent === true;
}

/** The ids that the records have or get. */
function ownIds(
  model: Model,
  rows: readonly EncodedRow[],
  made: ReadonlyMap<string, readonly Json[]>,
): Parsed<readonly string[]> {
  const ids: string[] = [];
  for (const [at, row] of rows.entries()) {
    const known = areAbsent(rows) ? row.newId : row.id;
    const id = known === undefined ? madeId(model, row, made, at) : { value: known };
    if ("problems" in id) {
      return id;
    }
    ids.push(id.value);
  }
  return { value: ids };
}

/** The records under their names, with their values and the defaults that were made for them. */
function withDefaults(
  model: Model,
  given: readonly string[],
  rows: readonly EncodedRow[],
  made: ReadonlyMap<string, readonly Json[]>,
): RecordBatch {
  const { columns } = namesOf(model);
  const defaults = [...made].flatMap(([name, values]) => {
    const column = columns.get(name);
    return column === undefined ? [] : [{ column, values }];
  });
  return {
    ids: rows.map(({ id = "" }) => id),
    fields: [
      ...given,
      ...defaults.map(({ column: { name: field } }) =>
        formatRowField({ kind: "VALUE", part: "create", field }),
      ),
    ],
    columns: [
      ...given.map((name) => rows.map(({ texts }) => texts.get(name) ?? null)),
      ...defaults.map(({ column, values }) => values.map((value) => toColumnText(column, value))),
    ],
  };
}

function withNewIds(batch: RecordBatch, ids: readonly string[]): RecordBatch {
  return {
    ...batch,
    fields: [...batch.fields, formatRowField({ kind: "NEW_ID" })],
    columns: [...batch.columns, ids],
  };
}

function withPlaces(batch: RecordBatch, rows: readonly EncodedRow[]): RecordBatch {
  return {
    ...batch,
    fields: [...batch.fields, formatRowField({ kind: "INDEX" })],
    columns: [...batch.columns, rows.map(({ index }) => String(index))],
  };
}

function makeDefaults(
  defaults: RecordDefaults,
  model: Model,
  operation: RowsTarget["operation"],
  given: readonly string[],
  rows: readonly EncodedRow[],
): ReturnType<RecordDefaults["make"]> {
  const prefix = "create:";
  const named = given.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const isMade = operation !== "UPSERT" || areAbsent(rows);
  const keys = isMade ? [] : model.key.map(({ name }) => name);
  return defaults.make(model, [...new Set([...named, ...keys])], rows.length);
}

function madeId(
  model: Model,
  { texts }: EncodedRow,
  made: ReadonlyMap<string, readonly Json[]>,
  at: number,
): Parsed<string> {
  const key = Object.fromEntries(
    model.key.map(({ name }) => [
      name,
      made.get(name)?.[at] ??
        texts.get(formatRowField({ kind: "VALUE", part: "create", field: name })) ??
        null,
    ]),
  );
  return idOf(model, key);
}

/** The problem of two records with the same key. The keys of new records are not known before. */
function repeatedKeys(
  model: Model,
  pathOf: (index: number) => string,
  batches: readonly RecordBatch[],
): readonly RecordProblem[] {
  const seen = new Map<string, string>();
  for (const { ids, columns } of batches) {
    for (const [at, id] of ids.entries()) {
      // The last of a batch's columns has the places in the list.
      const place = pathOf(Number(columns.at(-1)?.[at]));
      const other = seen.get(id);
      if (other !== undefined) {
        return [
          problem(`${place}: ${model.apiName} ${id} is in ${other} too. Give each record once.`, place),
        ];
      }
      seen.set(id, place);
    }
  }
  return [];
}

import type { Json } from "../../kernel/json.ts";
import { mapInTurns, Turns, visitInTurns } from "../../kernel/turns.ts";
import { toColumnText } from "../records/column-text.ts";
import type { Model, ModelRegistry } from "../records/model.ts";
import { columnsOf, refersToItself } from "../records/model.ts";
import type { RecordDefaults } from "../records/record-defaults.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { RowData, RowPaths, RowsTarget, UpdateRow, UpsertRow } from "./bulk-request.ts";
import { fieldPath, listedRowPaths } from "./bulk-request.ts";
import type { RowRecord } from "./find-rows.ts";
import type { EncodedRow } from "./row-encoder.ts";
import { createRowEncoder, idOf, namesOf } from "./row-encoder.ts";
import type { RowField } from "./row-field.ts";
import { formatRowField } from "./row-field.ts";

/** What encoding needs. */
export interface EncodePorts {
  readonly models: ModelRegistry;
  readonly defaults: RecordDefaults;
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
  const shapes = await encodeByShape(ports.models, model, target, records, pathOf);
  if ("problems" in shapes) {
    return shapes;
  }
  const batches: RecordBatch[] = [];
  const turns = new Turns();
  for (const rows of shapes.value) {
    if (turns.isOver(rows.length)) {
      await turns.next();
    }
    const shaped = await shapeRows(rows);
    const batch = await encodeShape(ports, model, target.operation, shaped, indexesOf(rows));
    if ("problems" in batch) {
      return { problems: located(pathOf(rows[0]?.index ?? 0), batch.problems) };
    }
    batches.push(batch.value);
  }
  const repeated = await repeatedKey(model, pathOf, batches);
  return repeated === undefined
    ? { value: { batches, created: givenIds(shapes.value.flat()) } }
    : { problems: [repeated] };
}

/** The rows, by the fields that they name. */
async function encodeByShape(
  models: ModelRegistry,
  model: Model,
  target: RowsTarget,
  records: readonly RowRecord[],
  pathOf: (index: number) => string,
): Promise<Parsed<readonly (readonly EncodedRow[])[]>> {
  const shapes = new Map<string, EncodedRow[]>();
  const encode = createRowEncoder(models, model);
  let problems: readonly RecordProblem[] | undefined;
  await visitInTurns<RowData | UpdateRow | UpsertRow>(target.records, (row, index) => {
    const encoded = encode(target.operation, row, index, records[index]);
    if ("problems" in encoded) {
      problems = located(pathOf(index), encoded.problems);
      return false;
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
    return true;
  });
  return problems === undefined ? { value: [...shapes.values()] } : { problems };
}

/** Rows that name the same fields, column by column. */
export interface ShapedRows {
  /** See EncodedRow. */
  readonly ids: readonly (string | undefined)[];
  /** Whether all of them are for records that are named by a key and not there; else none is. */
  readonly areAbsent: boolean;
  /** Of absent rows the ids that the caller gave. */
  readonly newIds: readonly (string | undefined)[];
  /** See row-field. */
  readonly fields: readonly string[];
  readonly columns: readonly (readonly (string | null)[])[];
}

async function shapeRows(rows: readonly EncodedRow[]): Promise<ShapedRows> {
  const fields = [...(rows[0]?.texts.keys() ?? [])];
  const columns: (string | null)[][] = [];
  for (const name of fields) {
    columns.push(await mapInTurns(rows, (row) => row.texts.get(name) ?? null));
  }
  return {
    ids: rows.map(({ id }) => id),
    areAbsent: rows[0]?.isAbsent === true,
    newIds: rows.map(({ newId }) => newId),
    fields,
    columns,
  };
}

/** The rows as a batch, with their places in the caller's list. */
export async function encodeShape(
  ports: EncodePorts,
  model: Model,
  operation: RowsTarget["operation"],
  rows: ShapedRows,
  places: readonly string[],
): Promise<Parsed<RecordBatch>> {
  const batch = await toBatch(ports, model, operation, rows);
  return "problems" in batch ? batch : { value: withColumn(batch.value, { kind: "INDEX" }, places) };
}

/** The same for the one checked record of a single write: a batch of one. */
export async function encodeOneRow(
  ports: EncodePorts,
  model: Model,
  { operation, records: [row] }: RowsTarget,
  [record]: readonly RowRecord[],
): Promise<Parsed<RecordBatch>> {
  const encoded = createRowEncoder(ports.models, model)(operation, row ?? {}, 0, record);
  return "problems" in encoded ? encoded : toBatch(ports, model, operation, await shapeRows([encoded.value]));
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
  const named = new Set<string>();
  target.records.forEach((record) => Object.keys(record).forEach((name) => named.add(name)));
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

/** The ids that the caller gave for records that are not there; see {@link EncodedRows.created}. */
function givenIds(rows: readonly EncodedRow[]): ReadonlyMap<string, string> {
  return new Map(
    rows.flatMap(({ id, newId }) => (id === undefined || newId === undefined ? [] : [[newId, id] as const])),
  );
}

async function toBatch(
  { defaults }: EncodePorts,
  model: Model,
  operation: RowsTarget["operation"],
  rows: ShapedRows,
): Promise<Parsed<RecordBatch>> {
  const made =
    operation === "UPDATE_EACH"
      ? { value: new Map<string, readonly Json[]>() }
      : await makeDefaults(defaults, model, operation, rows);
  if ("problems" in made) {
    return made;
  }
  const ids = await ownIds(model, rows, made.value);
  if ("problems" in ids) {
    return ids;
  }
  const batch = await withDefaults(model, rows, made.value);
  return {
    value: rows.areAbsent ? withColumn(batch, { kind: "NEW_ID" }, ids.value) : { ...batch, ids: ids.value },
  };
}

/** The ids that the records have or get. */
async function ownIds(
  model: Model,
  rows: ShapedRows,
  made: ReadonlyMap<string, readonly Json[]>,
): Promise<Parsed<readonly string[]>> {
  const known = rows.areAbsent ? rows.newIds : rows.ids;
  const madeId = idMaker(model, rows, made);
  const ids: string[] = [];
  let problems: readonly RecordProblem[] | undefined;
  await visitInTurns(known, (given, at) => {
    const id = given === undefined ? madeId(at) : { value: given };
    if ("problems" in id) {
      ({ problems } = id);
      return false;
    }
    return ids.push(id.value);
  });
  return problems === undefined ? { value: ids } : { problems };
}

/** The records under their names, with their values and the defaults that were made for them. */
async function withDefaults(
  model: Model,
  { ids, fields, columns }: ShapedRows,
  made: ReadonlyMap<string, readonly Json[]>,
): Promise<RecordBatch> {
  const byName = namesOf(model).columns;
  const defaults = [...made].flatMap(([name, values]) => {
    const column = byName.get(name);
    return column === undefined ? [] : [{ column, values }];
  });
  const texts = [...columns];
  for (const { column, values } of defaults) {
    texts.push(await mapInTurns(values, (value) => toColumnText(column, value)));
  }
  return {
    ids: ids.map((id = "") => id),
    fields: [
      ...fields,
      ...defaults.map(({ column: { name: field } }) =>
        formatRowField({ kind: "VALUE", part: "create", field }),
      ),
    ],
    columns: texts,
  };
}

function withColumn(batch: RecordBatch, field: RowField, column: readonly string[]): RecordBatch {
  return {
    ...batch,
    fields: [...batch.fields, formatRowField(field)],
    columns: [...batch.columns, column],
  };
}

function indexesOf(rows: readonly EncodedRow[]): readonly string[] {
  return rows.map(({ index }) => String(index));
}

function makeDefaults(
  defaults: RecordDefaults,
  model: Model,
  operation: RowsTarget["operation"],
  { fields, areAbsent, ids }: ShapedRows,
): ReturnType<RecordDefaults["make"]> {
  const prefix = "create:";
  const named = fields.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const isMade = operation !== "UPSERT" || areAbsent;
  const keys = isMade ? [] : model.key.map(({ name }) => name);
  return defaults.make(model, [...new Set([...named, ...keys])], ids.length);
}

/** Makes the id of the record at a place, of its values and of the defaults that were made. */
function idMaker(
  model: Model,
  { fields, columns }: ShapedRows,
  made: ReadonlyMap<string, readonly Json[]>,
): (at: number) => Parsed<string> {
  const parts = model.key.map(({ name }) => {
    const given = columns[fields.indexOf(formatRowField({ kind: "VALUE", part: "create", field: name }))];
    return { name, values: made.get(name), given };
  });
  return (at) =>
    idOf(
      model,
      Object.fromEntries(parts.map(({ name, values, given }) => [name, values?.[at] ?? given?.[at] ?? null])),
    );
}

/** The problem of two records with the same key. The keys of new records are not known before. */
async function repeatedKey(
  model: Model,
  pathOf: (index: number) => string,
  batches: readonly RecordBatch[],
): Promise<RecordProblem | undefined> {
  const seen = new Map<string, string>();
  let repeated: RecordProblem | undefined;
  for (const { ids, columns } of batches) {
    await visitInTurns(ids, (id, at) => {
      // The last of a batch's columns has the places in the list.
      const place = pathOf(Number(columns.at(-1)?.[at]));
      const other = seen.get(id);
      if (other !== undefined) {
        const message = `${place}: ${model.apiName} ${id} is in ${other} too. Give each record once.`;
        repeated = problem(message, place);
      }
      seen.set(id, place);
      return repeated === undefined;
    });
    if (repeated !== undefined) {
      return repeated;
    }
  }
  return undefined;
}

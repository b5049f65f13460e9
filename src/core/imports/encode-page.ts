import type { Json } from "../../kernel/json.ts";
import type { EncodedRows, EncodePorts, ShapedRows } from "../bulk/encode-rows.ts";
import { encodeShape } from "../bulk/encode-rows.ts";
import type { RowRecord } from "../bulk/find-rows.ts";
import type { RowField, RowPart } from "../bulk/row-field.ts";
import { formatRowField } from "../bulk/row-field.ts";
import { idOf, namesOf } from "../bulk/row-encoder.ts";
import { fromColumnText } from "../records/column-text.ts";
import type { Model, UniqueKey } from "../records/model.ts";
import { relationsOf } from "../records/model.ts";
import type { ParsedName } from "../records/record-name.ts";
import { textOfName } from "../records/record-name.ts";
import type { Parsed } from "../refusals/problems.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { ImportOperation } from "./import-form.ts";
import { OPERATION_OF } from "./import-form.ts";
import type { ImportPage, TextColumn } from "./import-page.ts";
import { halvesOf } from "./look-up.ts";
import type { RowReader } from "./row-reader.ts";

/** What the rows of a page name, by their places. */
export interface NamedRows {
  /** Of new records those whose id is given. */
  readonly names: readonly (ParsedName | undefined)[];
  /** The records that are named; none for new ones. */
  readonly records: readonly (RowRecord | undefined)[];
}

/** The operation that the rows are for. */
interface RowsOperation {
  readonly model: Model;
  readonly operation: ImportOperation;
  readonly reader: RowReader;
}

/** Tells which fields a row leaves out: rows with the same have the same shape. */
export function shapesOf({ texts }: ImportPage): (place: number) => string {
  const optional = [...texts].filter(([, column]) => column.includes(undefined));
  return optional.length === 0
    ? () => ""
    : (place) => optional.flatMap(([name, column]) => (column[place] === undefined ? [name] : [])).join("\n");
}

/** The id that a row gives its new record; undefined where it does not give the whole key. */
export function givenIds(
  { model, reader }: RowsOperation,
  { texts }: ImportPage,
): (place: number) => Parsed<string> | undefined {
  const isGiven = model.key.every(({ name }) => reader.created.includes(name) && texts.has(name));
  return (place) => {
    const data: Record<string, Json> = {};
    for (const field of isGiven ? model.key : []) {
      const text = texts.get(field.name)?.[place];
      if (text === undefined) {
        return undefined;
      }
      data[field.name] = fromColumnText(field, text);
    }
    return isGiven ? idOf(model, data) : undefined;
  };
}

/** The page's fine rows as batches: one for rows that name the same fields, so that one statement can write it. */
export async function encodePage(
  ports: EncodePorts,
  rows: RowsOperation,
  page: ImportPage,
  named: NamedRows,
): Promise<EncodedRows> {
  const newIds = noteNewIds(rows, page, named);
  const batches: RecordBatch[] = [];
  const created = new Map<string, string>();
  for (const places of groupRows(rows.model, page, newIds)) {
    const group = { ...rows, ...named, page, newIds };
    batches.push(...(await encodeGroup(ports, group, places)));
    for (const place of page.fine(places)) {
      const id = newIds.get(place);
      if (id !== undefined) {
        created.set(id, idText(named, place) ?? "");
      }
    }
  }
  return { batches, created };
}

/** The ids of records that are named by a key and not there, by place; undefined where they are to be made. */
type NewIds = ReadonlyMap<number, string | undefined>;

function noteNewIds(rows: RowsOperation, page: ImportPage, { records }: NamedRows): NewIds {
  const newIds = new Map<number, string | undefined>();
  if (rows.operation === "UPSERT" && rows.reader.unique !== undefined) {
    const idGiven = givenIds(rows, page);
    for (const place of page.fine().filter((each) => records[each]?.id === undefined)) {
      const id = idGiven(place);
      if (id !== undefined && "problems" in id) {
        page.note(place, id.problems);
      } else {
        newIds.set(place, id?.value);
      }
    }
  }
  return newIds;
}

/**
 * The fine rows, by the fields that they name, and by whether their records are there. Groups are in an order in which a
 * record comes after the one of an earlier row that it refers to.
 */
function groupRows(model: Model, page: ImportPage, newIds: NewIds): Iterable<readonly number[]> {
  const groups = new Map<string, { readonly depth: number; readonly places: number[] }>();
  const shapeOf = shapesOf(page);
  const depthOf = depthsOf(model, page);
  for (const place of page.fine()) {
    const shape = `${newIds.has(place)}\n${shapeOf(place)}`;
    const depth = depthOf(place, shape);
    const name = `${depth}\n${shape}`;
    const group = groups.get(name);
    if (group === undefined) {
      groups.set(name, { depth, places: [place] });
    } else {
      group.places.push(place);
    }
  }
  return [...groups.values()].toSorted((one, other) => one.depth - other.depth).map(({ places }) => places);
}

/** Tells how many groups have to be written before a row's: those of the earlier rows that lead to it. Asked in their order. */
function depthsOf(model: Model, { texts }: ImportPage): (place: number, shape: string) => number {
  const textsOf = (names: readonly string[]): readonly (TextColumn | undefined)[] =>
    names.map((name) => texts.get(name));
  const links = relationsOf(model)
    .filter(({ type, foreignKey }) => type === model.name && foreignKey.length > 0)
    .map(({ foreignKey, references }) => ({
      from: textsOf(foreignKey),
      to: textsOf(references ?? model.key.map(({ name }) => name)),
      rows: new Map<string, { readonly depth: number; readonly shape: string }>(),
    }))
    .filter(({ from }) => !from.includes(undefined));
  return (place, shape) => {
    const depths = links.map(({ from, rows }) => {
      const name = nameAt(from, place);
      const before = name === undefined ? undefined : rows.get(name);
      return before === undefined ? 0 : before.depth + (before.shape === shape ? 0 : 1);
    });
    const depth = Math.max(0, ...depths);
    for (const { to, rows } of links) {
      const name = nameAt(to, place);
      if (name !== undefined) {
        rows.set(name, { depth, shape });
      }
    }
    return depth;
  };
}

/** Undefined where a part is missing. */
function nameAt(columns: readonly (TextColumn | undefined)[], place: number): string | undefined {
  const parts = columns.map((column) => column?.[place] ?? undefined);
  return parts.includes(undefined) ? undefined : JSON.stringify(parts);
}

/** Rows of one group, with all that is known of them. */
interface RowGroup extends RowsOperation, NamedRows {
  readonly page: ImportPage;
  readonly newIds: NewIds;
}

/** In halves where there is a problem, since that is of one row. */
async function encodeGroup(
  ports: EncodePorts,
  group: RowGroup,
  places: readonly number[],
): Promise<readonly RecordBatch[]> {
  const { model, operation, page } = group;
  const indexes = places.map((place) => String(page.firstRow + place));
  const batch = await encodeShape(ports, model, OPERATION_OF[operation], shapeGroup(group, places), indexes);
  if ("value" in batch) {
    return [batch.value];
  }
  places.slice(0, places.length === 1 ? 1 : 0).forEach((place) => page.note(place, batch.problems));
  const batches: RecordBatch[] = [];
  for (const half of halvesOf(places)) {
    batches.push(...(await encodeGroup(ports, group, half)));
  }
  return batches;
}

function shapeGroup(group: RowGroup, places: readonly number[]): ShapedRows {
  const { page, newIds } = group;
  const [first = 0] = places;
  const texts = new Map<string, readonly (string | null)[]>();
  const columnOf = (name: string): readonly (string | null)[] => {
    const column = texts.get(name) ?? gather(page.texts.get(name) ?? [], places);
    texts.set(name, column);
    return column;
  };
  const isNamed = (name: string): boolean => page.texts.get(name)?.[first] !== undefined;
  const key = keyOf(group, first);
  const columns = fieldsOf(group, key === undefined).flatMap(({ name, text }) =>
    isNamed(name) ? [{ text, column: columnOf(name) }] : [],
  );
  const keys = keyColumns(group, key, places);
  return {
    ids: places.map((place) => idText(group, place)),
    areAbsent: newIds.has(first),
    newIds: places.map((place) => newIds.get(place)),
    fields: [...columns, ...keys].map(({ text }) => text),
    columns: [...columns, ...keys].map(({ column }) => column),
  };
}

/** Rows of one shape have the field all, or none of them. */
function gather(column: TextColumn, places: readonly number[]): readonly (string | null)[] {
  return places.length === column.length
    ? (column as readonly (string | null)[])
    : places.map((place) => column[place] ?? null);
}

/** The key by which a row names its record; undefined where it does so by the id, also in all its parts. */
function keyOf({ names }: NamedRows, place: number): UniqueKey | undefined {
  const name = names[place];
  return name?.kind === "KEY" ? name.unique : undefined;
}

/**
 * The fields of each half of the operation, in the order in which a mutation's rows have them.
 * @param isById the records' names are their ids, so an upsert's create needs no key
 */
function fieldsOf(
  { model, operation, reader }: RowsOperation,
  isById: boolean,
): readonly { name: string; text: string }[] {
  const { columns } = namesOf(model);
  const keyNames = new Set(model.key.map(({ name }) => name));
  const field = (name: string, part: RowPart): { name: string; text: string } => {
    const operator = part === "create" ? "add" : "set";
    const row: RowField = columns.has(name)
      ? { kind: "VALUE", part, field: name }
      : { kind: "LINKS", part, field: name, operator };
    return { name, text: formatRowField(row) };
  };
  const created = operation === "UPDATE" ? [] : reader.created;
  const inserted = operation === "UPSERT" && isById ? created.filter((name) => !keyNames.has(name)) : created;
  const changed = operation === "CREATE" ? [] : reader.changed;
  return [...inserted.map((name) => field(name, "create")), ...changed.map((name) => field(name, "update"))];
}

function keyColumns(
  { names }: NamedRows,
  key: UniqueKey | undefined,
  places: readonly number[],
): readonly { readonly text: string; readonly column: readonly (string | null)[] }[] {
  return (key?.fields ?? []).map(({ name: field }, at) => ({
    text: formatRowField({ kind: "KEY", field }),
    column: places.map((place) => {
      const name = names[place];
      return name?.kind === "KEY" ? (name.texts[at] ?? null) : null;
    }),
  }));
}

/** The record's id, or its name while it has none. Undefined for a new record whose key is to be made. */
function idText({ names, records }: NamedRows, place: number): string | undefined {
  const name = names[place];
  return records[place]?.id ?? (name && textOfName(name));
}

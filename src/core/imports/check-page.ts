import type { Access } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import type { RowData, RowsTarget } from "../bulk/bulk-request.ts";
import { checkOneRow } from "../bulk/check-rows.ts";
import type { EncodedRows } from "../bulk/encode-rows.ts";
import { encodeRows } from "../bulk/encode-rows.ts";
import type { RowRecord } from "../bulk/find-rows.ts";
import { findRows } from "../bulk/find-rows.ts";
import { linksOfTarget } from "../bulk/linked-records.ts";
import { fromColumnText } from "../records/column-text.ts";
import type { Model, ModelRegistry } from "../records/model.ts";
import { columnsOf } from "../records/model.ts";
import type { NamedRecords } from "../records/named-records.ts";
import type { RecordDefaults } from "../records/record-defaults.ts";
import { formatRecordKey, keyInData, keyTextsOf } from "../records/record-key.ts";
import { parseRecordName, textOfName } from "../records/record-name.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { LookedUp } from "./import-columns.ts";
import type { ImportOperation } from "./import-form.ts";
import type { ImportRow, ReadRow, RowReader } from "./read-row.ts";
import type { SeenNames } from "./seen-names.ts";

/** A row of the page, whose values were read. */
export interface PageRow {
  /** Its place in the file, from 0. */
  readonly index: number;
  readonly line: number;
  readonly row: ReadRow;
}

/** What became of a page of rows. */
export interface CheckedPage extends EncodedRows {
  /** By the rows' places in the file: why they cannot be written. */
  readonly problems: ReadonlyMap<number, readonly RecordProblem[]>;
}

/** What checking needs. */
export interface CheckPorts {
  readonly models: ModelRegistry;
  readonly access: Access;
  readonly named: NamedRecords;
  readonly reader: RecordReader;
  readonly defaults: RecordDefaults;
}

/** How the rows of one file are checked. */
export interface FileCheck {
  readonly viewer: Viewer;
  readonly model: Model;
  readonly operation: ImportOperation;
  readonly rows: RowReader;
  /** The names of the rows before. */
  readonly seen: SeenNames;
}

/** A row of the operation, with its place. */
interface MadeRow {
  readonly index: number;
  readonly line: number;
  readonly row: ImportRow;
}

/**
 * Checks a page of rows by the same rules as a mutation's list, and makes them ready to be written. A row with a problem is left
 * out, and the others go on.
 */
export async function checkPage(
  ports: CheckPorts,
  check: FileCheck,
  page: readonly PageRow[],
): Promise<CheckedPage> {
  const problems = new Map<number, RecordProblem[]>();
  const note = (index: number, found: readonly RecordProblem[]): void => {
    if (found.length > 0) {
      problems.set(index, [...(problems.get(index) ?? []), ...found]);
    }
  };
  page.forEach(({ index, row }) => note(index, row.problems));
  for (const [at, lookedUp] of check.rows.lookedUp.entries()) {
    await lookUp(ports, check, { lookedUp, at }, page, note);
  }
  const made = page
    .filter(({ index }) => !problems.has(index))
    .map(({ index, line, row }): MadeRow => ({ index, line, row: check.rows.toRow(row.values) }));
  made.forEach((each) => note(each.index, checkRow(ports, check, each)));
  const isFine = ({ index }: MadeRow): boolean => !problems.has(index);
  await noteMissingLinks(ports, check, made.filter(isFine), note);
  const found = await findEach(ports, check, made.filter(isFine), note);
  const known = found.filter(({ made: each, record }) => {
    const repeated = record?.id === undefined ? undefined : repeatedIn(check, `id ${record.id}`, each);
    note(each.index, repeated === undefined ? [] : [repeated]);
    return isFine(each);
  });
  const encoded = await encodeEach(ports, check, known, note);
  return { ...encoded, problems };
}

type Note = (index: number, found: readonly RecordProblem[]) => void;

/** The target of rows that are a list by themselves. */
function targetOf(operation: ImportOperation, rows: readonly ImportRow[]): RowsTarget {
  return {
    operation: operation === "UPDATE" ? "UPDATE_EACH" : operation,
    records: rows,
  } as RowsTarget;
}

const NO_PATHS = { record: "", create: "", update: "" };

function checkRow({ models }: CheckPorts, check: FileCheck, made: MadeRow): readonly RecordProblem[] {
  const { model, operation } = check;
  const found = checkOneRow(models, model, targetOf(operation, [made.row]), NO_PATHS, { sort: "BULK" });
  if (found.length > 0) {
    return unique(found);
  }
  if (operation === "CREATE") {
    const id = givenId(model, made.row as RowData);
    const taken = id === undefined ? undefined : repeatedIn(check, `id ${id}`, made);
    return taken === undefined ? [] : [taken];
  }
  const name = parseRecordName(model, models.enums(), made.row);
  const repeated = "value" in name ? repeatedIn(check, textOfName(name.value), made) : undefined;
  return repeated === undefined ? [] : [repeated];
}

/** The id that a new record is given by its row. */
function givenId(model: Model, data: RowData): string | undefined {
  const isGiven = model.key.every(({ name }) => data[name] !== undefined);
  const key = isGiven ? keyInData(model, data) : undefined;
  return key !== undefined && "value" in key ? formatRecordKey(model, key.value) : undefined;
}

/** The create and the update half of an upsert have the same faults. */
function unique(problems: readonly RecordProblem[]): readonly RecordProblem[] {
  const messages = new Set<string>();
  return problems.filter(({ message }) => !messages.has(message) && messages.add(message));
}

function repeatedIn({ seen, model }: FileCheck, name: string, made: MadeRow): RecordProblem | undefined {
  const line = seen.note(name, made.line);
  return line === undefined || line === made.line
    ? undefined
    : problem(`The same ${model.apiName} is in line ${line} already. Give each record once.`);
}

/** Finds the records that the page's rows name in one column, all at once, and puts their keys or ids among the values. */
async function lookUp(
  ports: CheckPorts,
  { viewer, model }: FileCheck,
  { lookedUp, at }: { readonly lookedUp: LookedUp; readonly at: number },
  page: readonly PageRow[],
  note: Note,
): Promise<void> {
  const asked = new Map<string, readonly string[]>();
  for (const { row } of page) {
    row.asked[at]?.forEach((texts) => asked.set(JSON.stringify(texts), texts));
  }
  const ids = await findIds(ports, viewer, lookedUp, [...asked]);
  const put = valuePutter(model, lookedUp);
  for (const { index, row } of page) {
    const wanted = row.asked[at];
    if (wanted !== undefined) {
      const found = (wanted ?? []).map((texts) => ids.get(JSON.stringify(texts)));
      const missing = (wanted ?? []).filter((_texts, place) => found[place] === undefined);
      if (missing.length > 0) {
        note(index, [missingProblem(model, lookedUp, missing)]);
      } else {
        put(row.values, wanted === null ? undefined : found.flatMap((id) => id ?? []));
      }
    }
  }
}

function missingProblem(
  model: Model,
  { relation, target, unique: key, parts }: LookedUp,
  missing: readonly (readonly string[])[],
): RecordProblem {
  const header = parts[0]?.column.header ?? relation.apiName;
  const names = key.fields.map(({ apiName }) => apiName).join(" and ");
  const words = missing.map((texts) => texts.map((text) => JSON.stringify(text)).join(", "));
  const message = `${model.apiName}.${header}: there is no ${target.apiName} with ${names} ${words.join(", ")}.`;
  return problem(message, header, "CONSTRAINT_VIOLATED");
}

/** Puts the ids of found records among a row's values: as links, or as what its foreign key holds; undefined: it refers to none. */
function valuePutter(
  model: Model,
  { relation, target, isLinks }: LookedUp,
): (values: ReadRow["values"], ids: readonly string[] | undefined) => void {
  if (isLinks) {
    return (values, ids = []) => {
      values[relation.name] = { set: ids };
    };
  }
  const references = relation.references ?? target.key.map(({ name }) => name);
  const parts = relation.foreignKey.map((name, place) => ({
    name,
    field: columnsOf(model).find((field) => field.name === name),
    at: target.key.findIndex((field) => field.name === references[place]),
  }));
  return (values, ids) => {
    const texts = ids === undefined ? undefined : keyTextsOf(target, ids[0] ?? "");
    for (const { name, field, at } of parts) {
      values[name] =
        field === undefined || texts === undefined ? null : fromColumnText(field, texts[at] ?? null);
    }
  };
}

/** The ids of the records, by the texts that ask for them. Halved where the database takes one of the values for none. */
async function findIds(
  ports: CheckPorts,
  viewer: Viewer,
  lookedUp: LookedUp,
  asked: readonly (readonly [string, readonly string[]])[],
): Promise<ReadonlyMap<string, string>> {
  if (asked.length === 0) {
    return new Map();
  }
  const { target, unique: key } = lookedUp;
  const columns = key.fields.map((_field, part) => asked.map(([, texts]) => texts[part] ?? ""));
  const scope = ports.access.scope(target.name, viewer, "READ");
  const found = await ports.named.find(target, key, columns, scope);
  if ("value" in found) {
    return new Map(
      found.value.flatMap(({ id }, place) => (id === undefined ? [] : [[asked[place]?.[0] ?? "", id]])),
    );
  }
  const halves = halvesOf(asked);
  const ids = await Promise.all(halves.map((half) => findIds(ports, viewer, lookedUp, half)));
  return new Map(ids.flatMap((each) => [...each]));
}

/** Two halves; none of a single item. */
function halvesOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(items.length / 2);
  return items.length < 2 ? [] : [items.slice(0, middle), items.slice(middle)];
}

/** Notes the rows that would link with records that are not there, or not for the viewer to see. */
async function noteMissingLinks(
  { models, reader, access }: CheckPorts,
  { viewer, model, operation }: FileCheck,
  made: readonly MadeRow[],
  note: Note,
): Promise<void> {
  const all = linksOfTarget(
    models,
    model,
    targetOf(
      operation,
      made.map(({ row }) => row),
    ),
  );
  for (const { field, target, wanted } of all) {
    const scope = access.scope(target.name, viewer, "READ");
    const there = new Set(wanted.length === 0 ? [] : await reader.existingIds(target.name, wanted, scope));
    if (there.size === new Set(wanted).size) {
      continue;
    }
    for (const { index, row } of made) {
      const own = linksOfTarget(models, model, targetOf(operation, [row])).find(
        (links) => links.field === field,
      );
      const missing = own?.wanted.filter((id) => !there.has(id)) ?? [];
      note(
        index,
        missing.map((id) =>
          problem(
            `${model.apiName}.${field.apiName}: there is no ${target.apiName} ${id}.`,
            field.apiName,
            "CONSTRAINT_VIOLATED",
          ),
        ),
      );
    }
  }
}

/** A row and the record that it names, if any. */
interface FoundRow {
  readonly made: MadeRow;
  readonly record: RowRecord | undefined;
}

/** The records that the rows name. In halves where there is a problem, since that is of one row and ends the look-up of all. */
async function findEach(
  ports: CheckPorts,
  check: FileCheck,
  made: readonly MadeRow[],
  note: Note,
): Promise<readonly FoundRow[]> {
  if (made.length === 0) {
    return [];
  }
  const target = targetOf(
    check.operation,
    made.map(({ row }) => row),
  );
  const found = await findRows(ports, check.viewer, check.model, target, () => NO_PATHS);
  if ("value" in found) {
    return made.map((each, place) => ({ made: each, record: found.value[place] }));
  }
  const halves = halvesOf(made);
  made.slice(0, halves.length === 0 ? 1 : 0).forEach(({ index }) => note(index, found.problems));
  const rows: FoundRow[] = [];
  for (const half of halves) {
    rows.push(...(await findEach(ports, check, half, note)));
  }
  return rows;
}

/** The rows as batches, in halves like {@link findEach}. */
async function encodeEach(
  ports: CheckPorts,
  check: FileCheck,
  found: readonly FoundRow[],
  note: Note,
): Promise<EncodedRows> {
  if (found.length === 0) {
    return { batches: [], created: new Map() };
  }
  const target = targetOf(
    check.operation,
    found.map(({ made }) => made.row),
  );
  const records = found.flatMap(({ record }) => record ?? []);
  const encoded = await encodeRows(ports, check.model, target, records, () => NO_PATHS);
  if ("value" in encoded) {
    const { batches, created } = encoded.value;
    return { batches: batches.map((batch) => placedInFile(batch, found)), created };
  }
  const halves = halvesOf(found);
  found.slice(0, halves.length === 0 ? 1 : 0).forEach(({ made }) => note(made.index, encoded.problems));
  const parts: EncodedRows[] = [];
  for (const half of halves) {
    parts.push(await encodeEach(ports, check, half, note));
  }
  return {
    batches: parts.flatMap(({ batches }) => batches),
    created: new Map(parts.flatMap(({ created }) => [...created])),
  };
}

/** The batch with the rows' places in the file. The last of its columns has their places in the page. */
function placedInFile({ ids, fields, columns }: RecordBatch, found: readonly FoundRow[]): RecordBatch {
  const places = columns.at(-1) ?? [];
  const indexes = places.map((place) => String(found[Number(place)]?.made.index ?? ""));
  return { ids, fields, columns: [...columns.slice(0, -1), indexes] };
}

/** Why a row cannot be written, as one sentence after the other; and the first field at fault. */
export function reasonOf(problems: readonly RecordProblem[]): RecordProblem {
  const [first] = problems;
  const field = problems.find((each) => each.field !== undefined && each.field !== "")?.field;
  return problem(problems.map(({ message }) => message).join(" "), field, first?.code);
}

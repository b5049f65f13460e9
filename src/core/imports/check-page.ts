import { visitInTurns } from "../../kernel/turns.ts";
import type { Viewer } from "../access/viewer.ts";
import type { RowsTarget } from "../bulk/bulk-request.ts";
import { checkOneRow } from "../bulk/check-rows.ts";
import type { EncodedRows } from "../bulk/encode-rows.ts";
import type { RowRecord } from "../bulk/find-rows.ts";
import { findNamed } from "../bulk/find-rows.ts";
import type { Model } from "../records/model.ts";
import { columnsOf, refersToItself, relationsOf } from "../records/model.ts";
import type { RecordDefaults } from "../records/record-defaults.ts";
import type { ParsedName } from "../records/record-name.ts";
import { parseRecordName } from "../records/record-name.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import { encodePage, givenIds, shapesOf } from "./encode-page.ts";
import { OPERATION_OF } from "./import-form.ts";
import type { ImportOperation } from "./import-form.ts";
import type { ImportPage } from "./import-page.ts";
import type { LookUpPorts } from "./look-up.ts";
import { halvesOf, lookUp } from "./look-up.ts";
import type { RowReader } from "./row-reader.ts";
import type { SeenNames } from "./seen-names.ts";

/** What checking needs. */
export interface CheckPorts extends LookUpPorts {
  readonly reader: RecordReader;
  readonly defaults: RecordDefaults;
}

/** How the rows of one file are checked. */
export interface FileCheck {
  readonly viewer: Viewer;
  readonly model: Model;
  readonly operation: ImportOperation;
  readonly reader: RowReader;
  /** The names of the rows before. */
  readonly seen: SeenNames;
}

/**
 * Checks a page of rows by the same rules as a mutation's list, and makes them ready to be written. What is wrong with a row is
 * noted with the page; the row is left out, and the others go on.
 */
export async function checkPage(ports: CheckPorts, check: FileCheck, page: ImportPage): Promise<EncodedRows> {
  for (const [at, lookedUp] of check.reader.lookedUp.entries()) {
    await lookUp(ports, check, lookedUp, page.asked[at] ?? [], page);
  }
  fillRows(check, page);
  const names = await nameRows(ports, check, page);
  await checkShapes(ports, check, page);
  await noteRepeated(check, page, page.fine(), (place) => seenName(names[place]));
  await noteMissingLinks(ports, check, page);
  const records = await findRecords(ports, check, page, names);
  return encodePage(ports, check, page, { names, records });
}

/**
 * Gives new records of a model that refers to itself the same fields where possible, so that a record and the one that it refers
 * to are written by one statement in the order of the file: what leaving a field out means is said by a null.
 */
function fillRows({ model, operation, reader }: FileCheck, { texts }: ImportPage): void {
  if (operation !== "CREATE" || !refersToItself(model)) {
    return;
  }
  for (const { name, isNullable, hasDefault } of columnsOf(model)) {
    const column = texts.get(name);
    if (column !== undefined && isNullable && !hasDefault && reader.created.includes(name)) {
      texts.set(
        name,
        column.map((text) => text ?? null),
      );
    }
  }
}

/** How each row names its record; of new records those whose id is given. */
async function nameRows(
  { models }: CheckPorts,
  check: FileCheck,
  page: ImportPage,
): Promise<readonly (ParsedName | undefined)[]> {
  const { model, operation, reader } = check;
  const givenId = operation === "CREATE" ? givenIds(check, page) : undefined;
  const plainName = plainNames(check, page);
  const names: (ParsedName | undefined)[] = [];
  await visitInTurns(page.fine(), (place) => {
    const name = givenId
      ? newName(givenId(place))
      : (plainName(place) ?? parseRecordName(model, models.enums(), reader.nameOf(page, place)));
    if (name !== undefined && "problems" in name) {
      page.note(place, name.problems);
    } else {
      names[place] = name?.value;
    }
  });
  return names;
}

/** The names of rows whose ids are integers: their column has them in the one form that an id has. */
function plainNames(
  { model, reader }: FileCheck,
  { texts }: ImportPage,
): (place: number) => { readonly value: ParsedName } | undefined {
  const [key, ...more] = model.key;
  const isInteger =
    key?.kind === "scalar" && key.type === "Int" && (key.nativeType ?? "integer") === "integer";
  const isPlain = isInteger && more.length === 0 && reader.unique === undefined;
  const column = isPlain ? texts.get(key.name) : undefined;
  return (place) => {
    const id = column?.[place];
    return id === undefined || id === null ? undefined : { value: { kind: "ID", id } };
  };
}

function newName(id: Parsed<string> | undefined): Parsed<ParsedName> | undefined {
  return id === undefined || "problems" in id ? id : { value: { kind: "ID", id: id.value } };
}

/**
 * Checks what the rows name. Cells are checked by now, and names, so whatever else can be wrong depends on the fields that a row
 * names alone: once a row was in order, all others of its shape are.
 */
async function checkShapes(
  { models }: CheckPorts,
  { model, operation, reader }: FileCheck,
  page: ImportPage,
): Promise<void> {
  const shapeOf = shapesOf(page);
  await visitInTurns(page.fine(), (place) => {
    const shape = shapeOf(place);
    if (!reader.shapes.has(shape)) {
      const records = [reader.toRow(page, place)];
      const target = { operation: OPERATION_OF[operation], records } as RowsTarget;
      const found = checkOneRow(models, model, target, NO_PATHS, { sort: "BULK" });
      page.note(place, unique(found));
      if (found.length === 0) {
        reader.shapes.add(shape);
      }
    }
  });
}

const NO_PATHS = { record: "", create: "", update: "" };

/** The create and the update half of an upsert have the same faults. */
function unique(problems: readonly RecordProblem[]): readonly RecordProblem[] {
  const messages = new Set<string>();
  return problems.filter(({ message }) => !messages.has(message) && messages.add(message));
}

/** The name of a row's record, to find out whether it comes twice. */
function seenName(name: ParsedName | undefined): string | undefined {
  return name?.kind === "ID" ? `id ${name.id}` : name?.text;
}

async function noteRepeated(
  { model, seen }: FileCheck,
  page: ImportPage,
  places: readonly number[],
  nameOf: (place: number) => string | undefined,
): Promise<void> {
  await visitInTurns(places, (place) => {
    const name = nameOf(place);
    const line = name === undefined ? undefined : seen.note(name, page.lines[place] ?? 0);
    if (line !== undefined) {
      const message = `The same ${model.apiName} is in line ${line} already. Give each record once.`;
      page.note(place, [problem(message)]);
    }
  });
}

/** Notes the rows that would link with records that are not there, or not for the viewer to see. */
async function noteMissingLinks(
  { models, reader, access }: CheckPorts,
  { viewer, model }: FileCheck,
  page: ImportPage,
): Promise<void> {
  for (const field of relationsOf(model)) {
    const texts = page.texts.get(field.name);
    const target = models.get(field.type);
    const lists = texts && page.fine().map((place) => ({ place, ids: idsIn(texts[place]) }));
    const wanted = [...new Set(lists?.flatMap(({ ids }) => ids))];
    if (lists === undefined || wanted.length === 0) {
      continue;
    }
    const scope = access.scope(target.name, viewer, "READ");
    const there = new Set(await reader.existingIds(target.name, wanted, scope));
    const path = `${model.apiName}.${field.apiName}`;
    for (const { place, ids } of lists) {
      const missing = ids.filter((id) => !there.has(id));
      const words = missing.map((id) => `${path}: there is no ${target.apiName} ${id}.`);
      page.note(
        place,
        words.map((message) => problem(message, field.apiName, "CONSTRAINT_VIOLATED")),
      );
    }
  }
}

function idsIn(text: string | null | undefined): readonly string[] {
  return text === null || text === undefined ? [] : (JSON.parse(text) as readonly string[]);
}

/** The records that the fine rows name, by their places. */
async function findRecords(
  ports: CheckPorts,
  check: FileCheck,
  page: ImportPage,
  names: readonly (ParsedName | undefined)[],
): Promise<readonly (RowRecord | undefined)[]> {
  const records: (RowRecord | undefined)[] = [];
  if (check.reader.unique === undefined) {
    page.fine().forEach((place) => {
      const name = names[place];
      records[place] = name?.kind === "ID" ? { name, id: name.id } : undefined;
    });
    return records;
  }
  await findEach(ports, check, page, names, page.fine(), records);
  await noteRepeated(check, page, page.fine(), (place) => {
    const record = records[place];
    return record?.id === undefined || record.name.kind === "ID" ? undefined : `id ${record.id}`;
  });
  return records;
}

/** In halves where there is a problem, since that is of one row and ends the look-up of all. */
async function findEach(
  ports: CheckPorts,
  check: FileCheck,
  page: ImportPage,
  names: readonly (ParsedName | undefined)[],
  places: readonly number[],
  records: (RowRecord | undefined)[],
): Promise<void> {
  const asked = places.flatMap((place) => names[place] ?? []);
  const found = await findNamed(ports, check.viewer, check.model, asked, () => "");
  if ("value" in found) {
    places.forEach((place, at) => (records[place] = found.value[at]));
    return;
  }
  places.slice(0, places.length === 1 ? 1 : 0).forEach((place) => page.note(place, found.problems));
  for (const half of halvesOf(places)) {
    await findEach(ports, check, page, names, half, records);
  }
}

/** Why a row cannot be written, as one sentence after the other; and the first field at fault. */
export function reasonOf(problems: readonly RecordProblem[]): RecordProblem {
  const [first] = problems;
  const field = problems.find((each) => each.field !== undefined && each.field !== "")?.field;
  return problem(problems.map(({ message }) => message).join(" "), field, first?.code);
}

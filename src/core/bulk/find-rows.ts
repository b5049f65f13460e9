import type { Access } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import type { Model, ModelRegistry, UniqueKey } from "../records/model.ts";
import type { NamedRecords } from "../records/named-records.ts";
import type { NameByKey, ParsedName } from "../records/record-name.ts";
import { apiNameOfKey, parseRecordName } from "../records/record-name.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { visitInTurns } from "../../kernel/turns.ts";
import type { RowPaths, RowsTarget, UpdateRow, UpsertRow } from "./bulk-request.ts";
import { listedRowPaths } from "./bulk-request.ts";
import { problemAt, repeatedRecord } from "./check-rows.ts";

/** What finding needs. */
export interface FindPorts {
  readonly models: ModelRegistry;
  readonly access: Access;
  readonly named: NamedRecords;
}

/** The record that a row names. */
export interface RowRecord {
  readonly name: ParsedName;
  /** Undefined if it is named by a key, and there is none that the viewer may see. */
  readonly id: string | undefined;
}

/** A row that names its record by a key. */
interface KeyedRow {
  readonly at: number;
  readonly name: NameByKey;
}

/**
 * The records that the checked rows of a list name, by their places: those named by keys are looked up, all that share a
 * key at once. New records are named by nothing, so the result for them is empty. The problems: a record that the list
 * names twice, and a value that its column cannot hold.
 */
export async function findRows(
  ports: FindPorts,
  viewer: Viewer,
  model: Model,
  target: RowsTarget,
  pathsOf: (operation: RowsTarget["operation"], at: number) => RowPaths = listedRowPaths,
): Promise<Parsed<readonly RowRecord[]>> {
  if (target.operation === "CREATE") {
    return { value: [] };
  }
  const pathOf = (at: number): string => pathsOf(target.operation, at).record;
  const problems: RecordProblem[] = [];
  const names: ParsedName[] = [];
  await visitInTurns<UpdateRow | UpsertRow>(target.records, (row) => {
    const name = parseRecordName(model, ports.models.enums(), row);
    if ("problems" in name) {
      problems.push(...name.problems);
    } else {
      names.push(name.value);
    }
  });
  return problems.length > 0 ? { problems } : findNamed(ports, viewer, model, names, pathOf);
}

/** The same for names that are parsed already. @param pathOf of the record at a place of the list */
export async function findNamed(
  ports: FindPorts,
  viewer: Viewer,
  model: Model,
  names: readonly ParsedName[],
  pathOf: (at: number) => string,
): Promise<Parsed<readonly RowRecord[]>> {
  const ids = names.map((name) => (name.kind === "ID" ? name.id : undefined));
  for (const rows of groupByKey(names).values()) {
    const found = await findGroup(ports, viewer, model, rows, pathOf);
    if ("problems" in found) {
      return found;
    }
    rows.forEach(({ at }, place) => (ids[at] = found.value[place]));
  }
  const repeated = await findRepeated(model, names, ids, pathOf);
  return repeated === undefined
    ? { value: names.map((name, at) => ({ name, id: ids[at] })) }
    : { problems: [repeated] };
}

function groupByKey(names: readonly ParsedName[]): ReadonlyMap<UniqueKey, readonly KeyedRow[]> {
  const groups = new Map<UniqueKey, KeyedRow[]>();
  for (const [at, name] of names.entries()) {
    if (name.kind === "KEY") {
      groups.set(name.unique, groups.get(name.unique) ?? []);
      groups.get(name.unique)?.push({ at, name });
    }
  }
  return groups;
}

async function findGroup(
  ports: FindPorts,
  viewer: Viewer,
  model: Model,
  rows: readonly KeyedRow[],
  pathOf: (at: number) => string,
): Promise<Parsed<readonly (string | undefined)[]>> {
  const [first] = rows;
  const { unique } = first?.name ?? { unique: { name: "", fields: [] } };
  const columns = unique.fields.map((_field, part) => rows.map(({ name }) => name.texts[part] ?? ""));
  const scope = ports.access.scope(model.name, viewer, "READ");
  const found = await ports.named.find(model, unique, columns, scope);
  if ("problems" in found) {
    return rows.length === 1
      ? {
          problems: found.problems.map(({ message }) =>
            problemAt(pathOf(first?.at ?? 0), `key.${apiNameOfKey(unique)}`, message),
          ),
        }
      : findUnfit(ports, viewer, model, rows, pathOf);
  }
  const problems = found.value.flatMap(({ firstAt }, place): readonly RecordProblem[] => {
    const [row, earlier] = [rows[place], rows[firstAt]];
    return row === undefined || earlier === undefined || firstAt === place
      ? []
      : [repeatedRecord(pathOf(row.at), model, row.name, pathOf(earlier.at))];
  });
  return problems.length > 0 ? { problems } : { value: found.value.map(({ id }) => id) };
}

/** The problem of the first row whose values the database refuses: found in halves, as it names no row. */
async function findUnfit(
  ports: FindPorts,
  viewer: Viewer,
  model: Model,
  rows: readonly KeyedRow[],
  pathOf: (at: number) => string,
): Promise<Parsed<readonly (string | undefined)[]>> {
  const middle = Math.ceil(rows.length / 2);
  const left = await findGroup(ports, viewer, model, rows.slice(0, middle), pathOf);
  return "problems" in left ? left : findGroup(ports, viewer, model, rows.slice(middle), pathOf);
}

/** The problem of a record that is named twice, such as by its id and by a key. */
async function findRepeated(
  model: Model,
  names: readonly ParsedName[],
  ids: readonly (string | undefined)[],
  pathOf: (at: number) => string,
): Promise<RecordProblem | undefined> {
  const seen = new Map<string, number>();
  let repeated: RecordProblem | undefined;
  await visitInTurns(names, (name, at) => {
    const id = ids[at];
    const before = id === undefined ? undefined : seen.get(id);
    if (before !== undefined) {
      repeated = repeatedRecord(pathOf(at), model, name, pathOf(before));
    } else if (id !== undefined) {
      seen.set(id, at);
    }
    return repeated === undefined;
  });
  return repeated;
}

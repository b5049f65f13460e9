import type { Viewer } from "../access/viewer.ts";
import type { Model, RelationField } from "../records/model.ts";
import { recordKeyOf } from "../records/record-key.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { NewTaskError } from "../tasks/task-error.ts";
import { toJsonValue } from "../../kernel/json.ts";
import type { Json } from "../../kernel/json.ts";
import type { RowData, RowPaths, RowsTarget } from "./bulk-request.ts";
import { fieldPath } from "./bulk-request.ts";
import { checkOneRow, problemAt } from "./check-rows.ts";
import type { EncodePorts } from "./encode-rows.ts";
import { encodeRows } from "./encode-rows.ts";
import type { FindPorts } from "./find-rows.ts";
import { findRows } from "./find-rows.ts";
import type { Links } from "./linked-records.ts";
import { linksOfTarget } from "./linked-records.ts";
import type { NestedRelation } from "./nested-relations.ts";
import { nestedRelations } from "./nested-relations.ts";
import { parseRowField } from "./row-field.ts";

/** Records to write together with another, into one of its lists. */
export interface NestedRecords {
  /** New ones, without what refers to the other record or links them with it. */
  readonly create?: readonly RowData[];
  /** Ids of records that are there: from now on they refer to the other record. */
  readonly connect?: readonly string[];
}

/** By the names of the lists' relations; null where the caller gave null. */
export type NestedInput = Readonly<Record<string, NestedRecords | null>>;

/** Records of a nested list that one statement can write. */
export interface NestedPart {
  readonly model: Model;
  readonly operation: "CREATE" | "UPDATE_EACH";
  readonly batch: RecordBatch;
  /** To other records than the one that they are written with. */
  readonly links: readonly Links[];
  /** What the caller names of each record, see row-field. */
  readonly named: readonly string[];
  /** The problem of a record, for the caller. */
  readonly problemOf: (error: NewTaskError) => RecordProblem;
}

/** The most records of one list. A bulk operation takes more, and shows its progress. */
const MAX_RECORDS = 1000;
/** The most problems in one refusal, as for lists in bulk. */
const MAX_PROBLEMS = 10;

/** Whether there is any record to write. */
export function namesRecords(nested: NestedInput): boolean {
  return Object.values(nested).some(
    (records) => (records?.create?.length ?? 0) + (records?.connect?.length ?? 0) > 0,
  );
}

/**
 * Checks the records and turns them into batches, by the rules for single writes of their own model.
 * @param id of the record that they are written with
 */
export async function parseNested(
  ports: EncodePorts & FindPorts,
  viewer: Viewer,
  model: Model,
  id: string,
  nested: NestedInput,
): Promise<Parsed<readonly NestedPart[]>> {
  const relations = new Map(nestedRelations(ports.models, model).map((each) => [each.field.name, each]));
  const parts: NestedPart[] = [];
  for (const [name, records] of Object.entries(nested)) {
    const relation = relations.get(name);
    const misfit = describeMisfit(relation, records);
    if (relation === undefined || misfit !== undefined) {
      const place = relation?.apiName ?? name;
      return { problems: [problemAt("", place, `${model.apiName}.${place}: ${misfit}`)] };
    }
    for (const list of listsOf(relation, model, id, records ?? {})) {
      const parsed = await parseList(ports, viewer, relation.target, list);
      if ("problems" in parsed) {
        return parsed;
      }
      parts.push(...parsed.value);
    }
  }
  return { value: parts };
}

function describeMisfit(
  relation: NestedRelation | undefined,
  records: NestedRecords | null,
): string | undefined {
  if (relation === undefined) {
    return "no records can be written with it.";
  }
  if (records === null) {
    return `cannot be null. Leave it out, or give ${relation.opposite ? "records" : "create or connect"}.`;
  }
  const given = Object.entries(records).filter(([, list]) => list !== undefined);
  if (given.length === 0) {
    return "give create, connect, or both.";
  }
  const allowed = [...(relation.canCreate ? ["create"] : []), ...(relation.canConnect ? ["connect"] : [])];
  if (given.some(([name]) => !allowed.includes(name))) {
    return `give ${allowed.join(" or ")} only.`;
  }
  const count = given.reduce((sum, [, list]) => sum + (list as readonly unknown[]).length, 0);
  return count > MAX_RECORDS
    ? `it has ${count} records, and at most ${MAX_RECORDS} are written with another. Write the others in bulk.`
    : undefined;
}

/** Records of a list that are written in the same way. */
interface NestedList {
  readonly target: RowsTarget & { readonly operation: "CREATE" | "UPDATE_EACH" };
  readonly pathsOf: (at: number) => RowPaths;
  /** Links each new record with the one that it is written with: from its own side, where both are there. */
  readonly back?: { readonly field: RelationField; readonly link: RowData };
}

/** The new records, then those to connect; the paths are `cities.0` or `createTags.0`, and `cities.connect.0`. */
function listsOf(
  { apiName, foreignKey, opposite }: NestedRelation,
  model: Model,
  id: string,
  { create = [], connect = [] }: NestedRecords,
): readonly NestedList[] {
  const key = recordKeyOf(model, id);
  const reference = Object.fromEntries(
    foreignKey.map(({ column, refersTo }): [string, Json] => [column.name, toJsonValue(key[refersTo.name])]),
  );
  const at =
    (list: string) =>
    (place: number): RowPaths => {
      const path = `${list}.${place}`;
      return { record: path, create: path, update: path };
    };
  const created: NestedList = {
    target: { operation: "CREATE", records: create.map((row) => ({ ...row, ...reference })) },
    pathsOf: at(apiName),
    ...(opposite && { back: { field: opposite, link: { [opposite.name]: { add: [id] } } } }),
  };
  const connected: NestedList = {
    target: { operation: "UPDATE_EACH", records: connect.map((each) => ({ id: each, data: reference })) },
    pathsOf: at(`${apiName}.connect`),
  };
  return [created, connected].filter(({ target }) => target.records.length > 0);
}

async function parseList(
  ports: EncodePorts & FindPorts,
  viewer: Viewer,
  model: Model,
  { target, pathsOf, back }: NestedList,
): Promise<Parsed<readonly NestedPart[]>> {
  const { models } = ports;
  const problems = target.records.flatMap((row, place) =>
    checkOneRow(models, model, { ...target, records: [row] } as RowsTarget, pathsOf(place)),
  );
  if (problems.length > 0) {
    return { problems: problems.slice(0, MAX_PROBLEMS) };
  }
  const paths = (_operation: RowsTarget["operation"], place: number): RowPaths => pathsOf(place);
  const records = await findRows(ports, viewer, model, target, paths);
  if ("problems" in records) {
    return records;
  }
  const written = back === undefined ? target : withLinks(target, back.link);
  const encoded = await encodeRows(ports, model, written, records.value, paths);
  if ("problems" in encoded) {
    return encoded;
  }
  const links = linksOfTarget(models, model, target, paths);
  return {
    value: encoded.value.batches.map((batch) => ({
      model,
      operation: target.operation,
      batch,
      links,
      named: batch.fields.filter((text) => !isOf(back?.field, text)),
      problemOf: (error) => describeError(model, target.operation, error, pathsOf(error.index ?? 0).record),
    })),
  };
}

function withLinks(target: NestedList["target"], link: RowData): NestedList["target"] {
  return target.operation === "CREATE"
    ? { ...target, records: target.records.map((row) => ({ ...row, ...link })) }
    : target;
}

function isOf(relation: RelationField | undefined, text: string): boolean {
  const field = parseRowField(text);
  return field.kind === "LINKS" && field.field === relation?.name;
}

function describeError(
  model: Model,
  operation: NestedPart["operation"],
  { recordId, code, message, field }: NewTaskError,
  path: string,
): RecordProblem {
  if (code === "RECORD_MISSING" && operation === "UPDATE_EACH") {
    return problem(`${path}: there is no ${model.apiName} ${recordId}.`, path, "CONSTRAINT_VIOLATED");
  }
  const whole = field === undefined ? path : fieldPath(path, field);
  return problem(`${whole}: ${message}`, whole, code === "RECORD_MISSING" ? "CONSTRAINT_VIOLATED" : code);
}

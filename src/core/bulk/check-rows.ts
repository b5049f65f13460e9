import type { Json } from "../../kernel/json.ts";
import { oncePer } from "../../kernel/once-per.ts";
import { visitInTurns } from "../../kernel/turns.ts";
import type { LinkChange } from "../records/change.ts";
import type { Field, Model, ModelRegistry } from "../records/model.ts";
import { apiNameOf, columnsOf } from "../records/model.ts";
import type { WriteSort } from "../records/field-switches.ts";
import { changeableColumns, creatableColumns, isNeeded, shownUpdatedAt } from "../records/writable-fields.ts";
import { differingKeyFields, recordKeyOf } from "../records/record-key.ts";
import type { ParsedName } from "../records/record-name.ts";
import { describeName, differingFields, parseRecordName, textOfName } from "../records/record-name.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import type { RowData, RowPaths, RowsTarget, UpdateRow, UpsertRow } from "./bulk-request.ts";
import { fieldPath, listedRowPaths } from "./bulk-request.ts";
import { problem } from "../refusals/problems.ts";
import { changeableLinks } from "./bulk-rules.ts";
import { describeLinkMisfit } from "./check-links.ts";
import { describeMisfit } from "../records/column-value.ts";
import { parseRowField } from "./row-field.ts";

/** The most problems in one refusal: to look for more takes time and does not help the caller. */
const MAX_PROBLEMS = 10;

/** The fields that rows may name, by name. */
export interface WritableFields {
  readonly creatable: ReadonlyMap<string, Field>;
  readonly changeable: ReadonlyMap<string, Field>;
}

interface RowRules extends WritableFields {
  readonly models: ModelRegistry;
  readonly model: Model;
}

/** The fields that rows of a bulk operation may name. */
export function writableFields(models: ModelRegistry, model: Model): WritableFields {
  return rowRulesOf(models, model, "BULK");
}

/** The problems of a list of records, at most ten; empty if it may be launched. */
export async function checkRows(
  models: ModelRegistry,
  model: Model,
  target: RowsTarget,
): Promise<readonly RecordProblem[]> {
  const rowRules = rowRulesOf(models, model, "BULK");
  const problems: RecordProblem[] = [];
  const seen = new Map<string, number>();
  await visitInTurns<RowData | UpdateRow | UpsertRow>(target.records, (row, at) => {
    const paths = listedRowPaths(target.operation, at);
    const name = nameOfRow(rowRules, target.operation, row);
    problems.push(...checkRow(rowRules, target.operation, row, paths, name));
    problems.push(...checkName(rowRules, seen, name, at, paths.record));
    return problems.length < MAX_PROBLEMS;
  });
  return problems.slice(0, MAX_PROBLEMS);
}

/**
 * All problems of one record.
 * @param how `sort` of the write: a row of a bulk operation may name other fields (default: SINGLE); `known`: how the record is
 *   named, if that is parsed already
 */
export function checkOneRow(
  models: ModelRegistry,
  model: Model,
  { operation, records: [row] }: RowsTarget,
  paths: RowPaths,
  {
    sort = "SINGLE",
    known,
  }: { readonly sort?: WriteSort; readonly known?: Parsed<ParsedName> | undefined } = {},
): readonly RecordProblem[] {
  if (row === undefined) {
    return [];
  }
  const rules = rowRulesOf(models, model, sort);
  const name = known ?? nameOfRow(rules, operation, row);
  return [
    ...(name !== undefined && "problems" in name ? name.problems.map(located(paths.record)) : []),
    ...checkRow(rules, operation, row, paths, name),
  ];
}

function located(path: string): (given: RecordProblem) => RecordProblem {
  return (given) => (path === "" ? given : problemAt(path, given.field ?? "id", given.message));
}

/** How the row names its record; undefined for a new record, whose key comes from its data (see encode-rows). */
function nameOfRow(
  { models, model }: RowRules,
  operation: RowsTarget["operation"],
  row: RowData | UpdateRow | UpsertRow,
): Parsed<ParsedName> | undefined {
  return operation === "CREATE" ? undefined : parseRecordName(model, models.enums(), row);
}

/**
 * The problems of the fields in a task's chunks; empty if they may still be changed. Checked in the worker, since the
 * rules may have changed after the launch.
 */
export function checkRowFields(
  models: ModelRegistry,
  model: Model,
  fields: readonly string[],
): readonly RecordProblem[] {
  const { changeable } = rowRulesOf(models, model, "BULK");
  return fields.map(parseRowField).flatMap((field) => {
    if ((field.kind !== "VALUE" && field.kind !== "LINKS") || field.part !== "update") {
      return [];
    }
    const name = apiNameOf(model, field.field);
    return changeable.has(field.field)
      ? []
      : [problemAt("", name, `${model.apiName}.${name} cannot be changed in bulk.`)];
  });
}

function rowRulesOf(models: ModelRegistry, model: Model, sort: WriteSort): RowRules {
  return rulesOf[sort](models)(model);
}

const rulesOf = { SINGLE: rulesOfSort("SINGLE"), BULK: rulesOfSort("BULK") };

function rulesOfSort(sort: WriteSort): (models: ModelRegistry) => (model: Model) => RowRules {
  return oncePer((models) => oncePer((model) => findRules(models, model, sort)));
}

function findRules(models: ModelRegistry, model: Model, sort: WriteSort): RowRules {
  const byName = (fields: readonly Field[]): ReadonlyMap<string, Field> =>
    new Map(fields.map((field) => [field.name, field]));
  const links = changeableLinks(models, model, sort);
  return {
    models,
    model,
    creatable: byName([...creatableColumns(model, sort), ...links]),
    changeable: byName([...changeableColumns(model, sort), ...links]),
  };
}

function checkRow(
  rules: RowRules,
  operation: RowsTarget["operation"],
  row: RowData | UpdateRow | UpsertRow,
  paths: RowPaths,
  name: Parsed<ParsedName> | undefined,
): readonly RecordProblem[] {
  const { creatable, changeable } = rules;
  switch (operation) {
    case "CREATE":
      return [
        ...checkValues(rules, creatable, row as RowData, paths.create),
        ...checkRequired(rules, row as RowData, paths.create, []),
      ];
    case "UPDATE_EACH": {
      const { data } = row as UpdateRow;
      return [
        ...(Object.keys(data).length === 0
          ? [noField(paths.update)]
          : checkValues(rules, changeable, data, paths.update)),
        ...checkExpected(rules.model, row as UpdateRow, paths.record),
      ];
    }
    case "UPSERT": {
      const { create, update } = row as UpsertRow;
      // A malformed name is a problem of its own.
      const known = name === undefined || "problems" in name ? undefined : name.value;
      return [
        ...(known === undefined ? [] : checkNaming(rules, known, paths.record)),
        ...(known === undefined ? [] : checkAgreement(rules.model, known, create, paths.create)),
        ...checkValues(rules, creatable, create, paths.create),
        ...checkRequired(rules, create, paths.create, namedFields(rules.model, known)),
        ...checkValues(rules, changeable, update, paths.update),
      ];
    }
  }
}

function noField(path: string): RecordProblem {
  const field = path === "" ? "data" : path;
  return problem(`${field}: names no field. Give at least one.`, field);
}

function checkValues(
  { models, model }: RowRules,
  allowed: ReadonlyMap<string, Field>,
  data: RowData,
  path: string,
): readonly RecordProblem[] {
  return Object.entries(data).flatMap(([name, value]) => {
    const field = allowed.get(name);
    const named = apiNameOf(model, name);
    if (field === undefined) {
      const known = [...allowed.values()].map(({ apiName }) => apiName).join(", ");
      return [
        problemAt(path, named, `${model.apiName}.${named} cannot be set here. Fields that can: ${known}.`),
      ];
    }
    const misfit =
      field.kind === "relation"
        ? describeLinkMisfit(models.get(field.type), value as LinkChange | null)
        : describeMisfit(field, models.enums(), value as Json);
    return misfit === undefined ? [] : [problemAt(path, named, `${model.apiName}.${named}: ${misfit}`)];
  });
}

/** @param known names of fields whose values come from elsewhere */
function checkRequired(
  { model }: RowRules,
  data: RowData,
  path: string,
  known: readonly string[],
): readonly RecordProblem[] {
  return columnsOf(model)
    .filter((field) => isNeeded(field) && data[field.name] === undefined && !known.includes(field.name))
    .map(({ apiName }) =>
      problemAt(path, apiName, `${model.apiName}.${apiName} is needed for a new record.`),
    );
}

/** The problems of an expected `@updatedAt`. */
export function checkExpected(
  model: Model,
  { expectedUpdatedAt }: Pick<UpdateRow, "expectedUpdatedAt">,
  path: string,
): readonly RecordProblem[] {
  if (expectedUpdatedAt === undefined) {
    return [];
  }
  const field = "expectedUpdatedAt";
  const touched = shownUpdatedAt(model);
  if (touched === undefined) {
    return [
      problemAt(path, field, `${model.apiName} has no @updatedAt field, so nothing can be expected of it.`),
    ];
  }
  const misfit =
    expectedUpdatedAt === null
      ? undefined
      : describeMisfit({ ...touched, isList: false }, [], expectedUpdatedAt);
  if (misfit !== undefined) {
    return [problemAt(path, field, `${field}: ${misfit}`)];
  }
  // A null is usually a variable that was not filled in. To accept it would silently skip the check.
  return expectedUpdatedAt === null
    ? [problemAt(path, field, `${field} cannot be null. Leave it out to write in any state of the record.`)]
    : [];
}

/** The problem of a record whose name has a field that callers may not set: it could not be created. */
function checkNaming(
  { model, creatable }: RowRules,
  name: ParsedName,
  path: string,
): readonly RecordProblem[] {
  const fixed = namedFields(model, name).find((field) => !creatable.has(field));
  if (fixed === undefined) {
    return [];
  }
  const what = name.kind === "ID" ? "id" : "key";
  const message = `${model.apiName} cannot be created by this ${what}: what it says cannot be set. Use another key.`;
  return [problemAt(path, what, message)];
}

/** The fields whose values come from the name of a record. */
function namedFields(model: Model, name: ParsedName | undefined): readonly string[] {
  const fields = name?.kind === "KEY" ? name.unique.fields : model.key;
  return fields.map((field) => field.name);
}

/** The problems of fields of the create whose values differ from the record's name. */
function checkAgreement(
  model: Model,
  name: ParsedName,
  create: RowData,
  path: string,
): readonly RecordProblem[] {
  const [what, fields] =
    name.kind === "ID"
      ? ["id", differingKeyFields(model, create, recordKeyOf(model, name.id))]
      : ["key", differingFields(name, create)];
  return fields.map((field) => {
    const named = apiNameOf(model, field);
    const remedy = `Leave it out, or give what ${what} says.`;
    return problemAt(path, named, `${model.apiName}.${named} is not what ${what} says. ${remedy}`);
  });
}

/** The problem of a name that is malformed, or that an earlier record of the list has. */
function checkName(
  { model }: RowRules,
  seen: Map<string, number>,
  name: Parsed<ParsedName> | undefined,
  at: number,
  path: string,
): readonly RecordProblem[] {
  if (name === undefined) {
    return [];
  }
  if ("problems" in name) {
    return name.problems.map(({ field = "id", message }) => problemAt(path, field, message));
  }
  const text = textOfName(name.value);
  const before = seen.get(text);
  seen.set(text, before ?? at);
  return before === undefined ? [] : [repeatedRecord(path, model, name.value, `records.${before}`)];
}

/** The problem of a record that an earlier place of the list names, too. @param path of the record */
export function repeatedRecord(path: string, model: Model, name: ParsedName, earlier: string): RecordProblem {
  const message = `${model.apiName} ${describeName(name)} is in ${earlier} already. Give each record once.`;
  return problemAt(path, name.kind === "ID" ? "id" : "key", message);
}

/** A problem of a field. In a list of records, the message begins with the path. */
export function problemAt(path: string, field: string, message: string): RecordProblem {
  const whole = fieldPath(path, field);
  return problem(path === "" ? message : `${whole}: ${message}`, whole);
}

import type { Json } from "../../kernel/json.ts";
import type { LinkChange } from "../records/change.ts";
import type { Field, Model, ModelRegistry } from "../records/model.ts";
import { apiNameOf, columnsOf } from "../records/model.ts";
import type { WriteSort } from "../records/field-switches.ts";
import { changeableColumns, creatableColumns, isNeeded, shownUpdatedAt } from "../records/writable-fields.ts";
import { differingKeyFields, parseRecordId, parseRecordKey, remedyOfKey } from "../records/record-key.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { RowData, RowPaths, RowsTarget, UpdateRow, UpsertRow } from "./bulk-request.ts";
import { fieldPath, listName, listedRowPaths } from "./bulk-request.ts";
import { problem } from "../refusals/problems.ts";
import { changeableLinks } from "./bulk-rules.ts";
import { describeLinkMisfit } from "./check-links.ts";
import { describeMisfit } from "../records/column-value.ts";
import { parseRowField } from "./row-field.ts";

/** The most problems in one refusal: to look for more takes time and does not help the caller. */
const MAX_PROBLEMS = 10;

/** The fields that rows may name, by name. */
interface RowRules {
  readonly models: ModelRegistry;
  readonly model: Model;
  readonly creatable: ReadonlyMap<string, Field>;
  readonly changeable: ReadonlyMap<string, Field>;
}

/** The problems of a list of records, at most ten; empty if it may be launched. */
export function checkRows(models: ModelRegistry, model: Model, target: RowsTarget): readonly RecordProblem[] {
  const rowRules = rowRulesOf(models, model, "BULK");
  const problems: RecordProblem[] = [];
  const seen = new Map<string, number>();
  for (const [at, row] of target.records.entries()) {
    const paths = listedRowPaths(target.operation, at);
    problems.push(...checkRow(rowRules, target.operation, row, paths));
    problems.push(...checkId(rowRules, seen, target.operation, row, at));
    if (problems.length >= MAX_PROBLEMS) {
      break;
    }
  }
  return problems.slice(0, MAX_PROBLEMS);
}

/** All problems of the record of a single write. */
export function checkOneRow(
  models: ModelRegistry,
  model: Model,
  { operation, records: [row] }: RowsTarget,
  paths: RowPaths,
): readonly RecordProblem[] {
  if (row === undefined) {
    return [];
  }
  const rules = rowRulesOf(models, model, "SINGLE");
  const id = operation === "CREATE" ? undefined : parseRecordId(model, (row as UpdateRow | UpsertRow).id);
  return [
    ...(id !== undefined && "problems" in id ? id.problems : []),
    ...checkRow(rules, operation, row, paths),
  ];
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
      const { id, create, update } = row as UpsertRow;
      const keyNames = rules.model.key.map(({ name }) => name);
      return [
        ...checkAgreement(rules.model, id, create, paths.create),
        ...checkValues(rules, creatable, create, paths.create),
        ...checkRequired(rules, create, paths.create, keyNames),
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

/** The problems of key fields whose values differ from the id. */
function checkAgreement(model: Model, id: string, create: RowData, path: string): readonly RecordProblem[] {
  const key = parseRecordKey(model, id);
  // A malformed id is a problem of its own.
  return "problems" in key
    ? []
    : differingKeyFields(model, create, key.value).map((name) => {
        const named = apiNameOf(model, name);
        return problemAt(
          path,
          named,
          `${model.apiName}.${named} is not what id says. ${remedyOfKey(model, name)}`,
        );
      });
}

/** The problem of an id that is malformed, or that an earlier record of the list has. */
function checkId(
  { model }: RowRules,
  seen: Map<string, number>,
  operation: RowsTarget["operation"],
  row: RowData | UpdateRow | UpsertRow,
  at: number,
): readonly RecordProblem[] {
  // The key of a new record comes from its data, once that is checked: see encode-rows.
  if (operation === "CREATE" || typeof row["id"] !== "string") {
    return [];
  }
  const path = `${listName(operation)}.${at}`;
  const id = parseRecordId(model, row["id"]);
  if ("problems" in id) {
    return id.problems.map(({ message }) => problemAt(path, "id", message));
  }
  const before = seen.get(id.value);
  seen.set(id.value, before ?? at);
  return before === undefined
    ? []
    : [
        problemAt(
          path,
          "id",
          `${model.apiName} ${id.value} is in records.${before} already. Give each record once.`,
        ),
      ];
}

/** A problem of a field. In a list of records, the message begins with the path. */
function problemAt(path: string, field: string, message: string): RecordProblem {
  const whole = fieldPath(path, field);
  return problem(path === "" ? message : `${whole}: ${message}`, whole);
}

import { isAppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";
import type { LinkChange } from "../records/change.ts";
import type { Field, Model, ModelRegistry } from "../records/model.ts";
import { columnsOf, updatedAtField } from "../records/model.ts";
import { disagreeingKeys, remedyOfKey } from "../records/disagreeing-keys.ts";
import type { RecordKey } from "../records/record-key.ts";
import { canonicalRecordId, parseRecordKey } from "../records/record-key.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { BulkTarget, RowData, UpdateRow, UpsertRow } from "./bulk-request.ts";
import type { BulkRules } from "./bulk-rules.ts";
import { changeableColumns, changeableLinks, manyToManyOf } from "./bulk-rules.ts";
import { describeLinkMisfit } from "./check-links.ts";
import { describeMisfit } from "./column-value.ts";
import { listName } from "./list-name.ts";
import { parseRowField } from "./row-field.ts";

/** An operation on a list of records. */
export type RowsTarget = Extract<BulkTarget, { readonly records: unknown }>;

/** Problems named in one refusal; looking for more would cost and help nobody. */
const MAX_PROBLEMS = 10;

interface RowRules {
  readonly models: ModelRegistry;
  readonly model: Model;
  /** What may be named, by name. */
  readonly creatable: ReadonlyMap<string, Field>;
  readonly changeable: ReadonlyMap<string, Field>;
}

/** What is wrong with a list of records, at most ten; nothing if it may be launched. */
export function checkRows(
  models: ModelRegistry,
  model: Model,
  rules: BulkRules,
  target: RowsTarget,
): readonly RecordProblem[] {
  const rowRules = {
    models,
    model,
    creatable: byName([
      ...columnsOf(model).filter((field) => !field.isUpdatedAt),
      ...manyToManyOf(models, model),
    ]),
    changeable: byName([...changeableColumns(model, rules), ...changeableLinks(models, model, rules)]),
  };
  const problems: RecordProblem[] = [];
  const seen = new Map<string, number>();
  for (const [at, row] of target.records.entries()) {
    problems.push(...checkRow(rowRules, target.operation, row, at));
    problems.push(...checkRepeated(model, seen, target.operation, row, at));
    if (problems.length >= MAX_PROBLEMS) {
      break;
    }
  }
  return problems.slice(0, MAX_PROBLEMS);
}

/**
 * What is wrong with the fields that a task's chunks have values for; nothing if they may still be changed. Asked in the
 * worker, where the rules may have changed since the launch.
 */
export function checkRowFields(
  models: ModelRegistry,
  model: Model,
  rules: BulkRules,
  fields: readonly string[],
): readonly RecordProblem[] {
  const changeable = byName([...changeableColumns(model, rules), ...changeableLinks(models, model, rules)]);
  return fields.map(parseRowField).flatMap((field) => {
    if ((field.kind !== "VALUE" && field.kind !== "LINKS") || field.part !== "update") {
      return [];
    }
    const { field: name } = field;
    return changeable.has(name) ? [] : [problem(name, `${model.name}.${name} cannot be changed in bulk.`)];
  });
}

function byName(fields: readonly Field[]): ReadonlyMap<string, Field> {
  return new Map(fields.map((field) => [field.name, field]));
}

function checkRow(
  rules: RowRules,
  operation: RowsTarget["operation"],
  row: RowData | UpdateRow | UpsertRow,
  at: number,
): readonly RecordProblem[] {
  const path = `${listName(operation)}.${at}`;
  switch (operation) {
    case "CREATE":
      return [
        ...checkValues(rules, rules.creatable, row as RowData, path),
        ...checkRequired(rules, row as RowData, path, []),
      ];
    case "UPDATE_EACH": {
      const { data } = row as UpdateRow;
      return [
        ...(Object.keys(data).length === 0
          ? [problem(`${path}.data`, "names no field. Give at least one.")]
          : checkValues(rules, rules.changeable, data, `${path}.data`)),
        ...checkExpected(rules.model, row as UpdateRow, path),
      ];
    }
    case "UPSERT": {
      const { id, create, update } = row as UpsertRow;
      const keyNames = rules.model.key.map(({ name }) => name);
      return [
        ...checkAgreement(rules.model, id, create, `${path}.create`),
        ...checkValues(rules, rules.creatable, create, `${path}.create`),
        ...checkRequired(rules, create, `${path}.create`, keyNames),
        ...checkValues(rules, rules.changeable, update, `${path}.update`),
      ];
    }
  }
}

function checkValues(
  { models, model }: RowRules,
  allowed: ReadonlyMap<string, Field>,
  data: RowData,
  path: string,
): readonly RecordProblem[] {
  return Object.entries(data).flatMap(([name, value]) => {
    const field = allowed.get(name);
    if (field === undefined) {
      const known = [...allowed.keys()].join(", ");
      return [
        problem(`${path}.${name}`, `${model.name}.${name} cannot be set here. Fields that can: ${known}.`),
      ];
    }
    const misfit =
      field.kind === "relation"
        ? describeLinkMisfit(models.get(field.type), value as LinkChange)
        : describeMisfit(field, models.enums(), value as Json);
    return misfit === undefined ? [] : [problem(`${path}.${name}`, `${model.name}.${name}: ${misfit}`)];
  });
}

/** @param known fields whose values come from elsewhere */
function checkRequired(
  { model }: RowRules,
  data: RowData,
  path: string,
  known: readonly string[],
): readonly RecordProblem[] {
  return columnsOf(model)
    .filter(
      ({ name, isNullable, hasDefault, isList, isUpdatedAt }) =>
        !isNullable &&
        !hasDefault &&
        !isList &&
        !isUpdatedAt &&
        data[name] === undefined &&
        !known.includes(name),
    )
    .map(({ name }) => problem(`${path}.${name}`, `${model.name}.${name} is needed for a new record.`));
}

function checkExpected(model: Model, row: UpdateRow, path: string): readonly RecordProblem[] {
  const { expectedUpdatedAt } = row;
  if (expectedUpdatedAt === undefined || updatedAtField(model) !== undefined) {
    return [];
  }
  return [
    problem(
      `${path}.expectedUpdatedAt`,
      `${model.name} has no @updatedAt field, so nothing can be expected of it.`,
    ),
  ];
}

/** What the data of a new record says of the key must be what the id says. */
function checkAgreement(model: Model, id: string, create: RowData, path: string): readonly RecordProblem[] {
  const key = parsedKey(model, id);
  // A malformed id is a problem of its own.
  return key === undefined
    ? []
    : disagreeingKeys(model, create, key).map((name) =>
        problem(`${path}.${name}`, `is not what id says. ${remedyOfKey(model, name)}`),
      );
}

function parsedKey(model: Model, id: string): RecordKey | undefined {
  try {
    return parseRecordKey(model, id);
  } catch (error) {
    if (isAppError(error, "VALIDATION_FAILED")) {
      return undefined;
    }
    throw error;
  }
}

/** An id that is malformed, or stood in the list before: what of the two should become of the record? */
function checkRepeated(
  model: Model,
  seen: Map<string, number>,
  operation: RowsTarget["operation"],
  row: RowData | UpdateRow | UpsertRow,
  at: number,
): readonly RecordProblem[] {
  // The key of a new record is made of its data, when that is known to be sound: see encode-rows.
  if (operation === "CREATE" || typeof row["id"] !== "string") {
    return [];
  }
  const path = `${listName(operation)}.${at}.id`;
  try {
    const id = canonicalRecordId(model, row["id"]);
    const before = seen.get(id);
    seen.set(id, before ?? at);
    return before === undefined
      ? []
      : [problem(path, `${model.name} ${id} is in records.${before} already. Give each record once.`)];
  } catch (error) {
    if (!isAppError(error, "VALIDATION_FAILED")) {
      throw error;
    }
    return [problem(path, error.message)];
  }
}

function problem(field: string, message: string): RecordProblem {
  return { code: "VALIDATION_FAILED", message: `${field}: ${message}`, field };
}

import { nearestName } from "../../kernel/nearest-name.ts";
import { isReadable } from "../records/field-switches.ts";
import type { ColumnField, Field, Model, ModelRegistry, RelationField } from "../records/model.ts";
import { columnsOf, isManyToMany, relationsOf } from "../records/model.ts";
import { namingKeys } from "../records/record-name.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";

/** A column of a file: a column of the model, of a record that it refers to, or of the records that it is linked with. */
export interface FileColumn {
  /** The path of its field, in the API's names: `name`, `country.code`, `country`, `tags`, `tags.label`. */
  readonly header: string;
  /** The relations that lead to the field; usually none. Only the last can be a list. */
  readonly relations: readonly RelationField[];
  /** The model that has the field. */
  readonly model: Model;
  readonly field: ColumnField;
  /** Whether it stands for the record's id: `id`, `country`, `country.id`. Then JSON has its text, as GraphQL's ID. */
  readonly isId: boolean;
  /** Whether a cell holds a list of linked records' values. */
  readonly isLinks: boolean;
}

/** Whether the caller may read the field, and any record that a relation leads to. Asked only for fields that the API shows. */
export type MayRead = (model: Model, field: Field) => boolean;

/**
 * The columns of a file that names none: the columns that the caller may read, and the ids of records in many-to-many
 * relations. Not those of the same model: a file that creates records cannot link them with each other. Columns that the API shows under `id` come first, as everywhere.
 */
export function allColumns(models: ModelRegistry, model: Model, mayRead: MayRead): readonly FileColumn[] {
  const isShown = (field: Field): boolean => isReadable(field) && mayRead(model, field);
  const own = columnsOf(model)
    .filter(isShown)
    .map((field) => ownColumn(model, field));
  const links = relationsOf(model)
    .filter((field) => field.type !== model.name && isManyToMany(models, model, field) && isShown(field))
    .flatMap((field) => {
      const far = models.get(field.type);
      const [key, ...others] = far.key;
      return key === undefined || others.length > 0 || !isReadable(key) || !mayRead(far, key)
        ? []
        : [{ header: field.apiName, relations: [field], model: far, field: key, isId: true, isLinks: true }];
    });
  return [...own, ...links];
}

/**
 * The columns that the paths name, in their order. Problems tell the path at fault, and the nearest name.
 * @param what the argument that gave the paths, for problems: `fields`
 */
export function columnsOfPaths(
  models: ModelRegistry,
  model: Model,
  paths: readonly string[],
  mayRead: MayRead,
  what = "fields",
): Parsed<readonly FileColumn[]> {
  const parsed = paths.map((path) => parseColumn(models, model, path, mayRead, what));
  const repeated = paths.filter((path, at) => paths.indexOf(path) < at);
  const problems = [
    ...parsed.flatMap((each) => ("problems" in each ? each.problems : [])),
    ...[...new Set(repeated)].map((path) => problem(`${what}: "${shown(path)}" is named twice.`, what)),
  ];
  return problems.length > 0
    ? { problems }
    : { value: parsed.flatMap((each) => ("value" in each ? [each.value] : [])) };
}

/** The column that the path names: see {@link FileColumn.header}. */
function parseColumn(
  models: ModelRegistry,
  model: Model,
  path: string,
  mayRead: MayRead,
  what: string,
): Parsed<FileColumn> {
  const relations: RelationField[] = [];
  let at = model;
  const names = path.split(".");
  for (const [place, name] of names.entries()) {
    const field = fieldNamed(at, name);
    const fault = field === undefined ? unknownName(at, name, path, what) : faultOf(at, field, mayRead, what);
    if (field === undefined || fault !== undefined) {
      return { problems: fault === undefined ? [] : [fault] };
    }
    const isLast = place === names.length - 1;
    if (field.kind !== "relation") {
      return isLast
        ? { value: columnAt(path, relations, at, field, name === "id") }
        : refused(what, path, `${at.apiName}.${field.apiName} has no fields of its own`);
    }
    const words = relationFault(models, at, field, relations);
    if (words !== undefined) {
      return refused(what, path, words);
    }
    relations.push(field);
    at = models.get(field.type);
  }
  const [key, ...others] = at.key;
  if (key === undefined || others.length > 0) {
    return refused(
      what,
      path,
      `${at.apiName} has no key of one field. Name a field of it, such as ${path}.${exampleOf(at)}`,
    );
  }
  const fault = faultOf(at, key, mayRead, what);
  return fault === undefined ? { value: columnAt(path, relations, at, key, true) } : { problems: [fault] };
}

/** What the name means in a path; `id` is the key of a model that has no column called so. */
function fieldNamed(model: Model, name: string): Field | undefined {
  const [key, ...others] = model.key;
  const field = model.fields.find(({ apiName }) => apiName === name);
  const found = field ?? (name === "id" && others.length === 0 ? key : undefined);
  return found !== undefined && isReadable(found) ? found : undefined;
}

function faultOf(model: Model, field: Field, mayRead: MayRead, what: string): RecordProblem | undefined {
  return mayRead(model, field)
    ? undefined
    : problem(`You may not read ${model.apiName}.${field.apiName}.`, what, "FORBIDDEN");
}

function unknownName(model: Model, name: string, path: string, what: string): RecordProblem {
  const names = model.fields.filter(isReadable).map(({ apiName }) => apiName);
  const nearest = nearestTo(name, names);
  const advice = nearest === undefined ? `It has ${names.join(", ")}.` : `Did you mean ${nearest}?`;
  const inPath = name === path ? "" : ` in "${shown(path)}"`;
  return problem(`${what}: ${model.apiName} has no field "${shown(name)}"${inPath}. ${advice}`, what);
}

/** Long texts are no slips of the pen, and take long to compare. */
export function nearestTo(wrong: string, names: readonly string[]): string | undefined {
  return wrong.length > 100 ? undefined : nearestName(wrong, names);
}

function refused(what: string, path: string, words: string): Parsed<never> {
  return { problems: [problem(`${what}: "${shown(path)}" is no column: ${words}.`, what)] };
}

/** Why a path cannot go on by the relation, in words. */
function relationFault(
  models: ModelRegistry,
  model: Model,
  field: RelationField,
  before: readonly RelationField[],
): string | undefined {
  const name = `${model.apiName}.${field.apiName}`;
  if (before.at(-1)?.isList === true) {
    return `${name} is behind a list. Name a column of the list's records`;
  }
  return field.isList && !isManyToMany(models, model, field)
    ? `${name} is a list of records that have a file of their own`
    : undefined;
}

function exampleOf(model: Model): string {
  return columnsOf(model).find(isReadable)?.apiName ?? "id";
}

function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function ownColumn(model: Model, field: ColumnField): FileColumn {
  return columnAt(field.apiName, [], model, field, field.apiName === "id");
}

function columnAt(
  header: string,
  relations: readonly RelationField[],
  model: Model,
  field: ColumnField,
  isId: boolean,
): FileColumn {
  const isLinks = relations.at(-1)?.isList === true;
  return { header, relations, model, field, isId: isId && !field.isList, isLinks };
}

/** The names that a file's head may use for a model's records: what can be written, or names another record. */
export function knownHeaders(models: ModelRegistry, model: Model): readonly string[] {
  const own = columnsOf(model)
    .filter(isReadable)
    .map(({ apiName }) => apiName);
  const related = relationsOf(model)
    .filter((field) => isReadable(field) && (!field.isList || isManyToMany(models, model, field)))
    .flatMap(({ apiName, type }) => {
      const far = models.get(type);
      const keys = [
        ...(far.key.length === 1 ? far.key : []),
        ...namingKeys(far).flatMap(({ fields }) => fields),
      ];
      const names = new Set(keys.filter(isReadable).map((field) => `${apiName}.${field.apiName}`));
      return [...(far.key.length === 1 ? [apiName, `${apiName}.id`] : []), ...names];
    });
  const hasOwnId = own.includes("id") || model.key.length !== 1;
  return [...new Set([...own, ...(hasOwnId ? [] : ["id"]), ...related])];
}

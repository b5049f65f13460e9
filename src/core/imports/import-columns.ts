import { nearestName } from "../../kernel/nearest-name.ts";
import type { Access } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import type { WritableFields } from "../bulk/check-rows.ts";
import type { FileColumn, MayRead } from "../files/file-column.ts";
import { matchHeaders } from "../files/match-headers.ts";
import type { ColumnField, Model, ModelRegistry, RelationField, UniqueKey } from "../records/model.ts";
import { apiNameOfKey, namingKeys } from "../records/record-name.ts";
import type { Parsed, RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { ImportForm } from "./import-form.ts";

/** Columns of the file of failed rows that say what was wrong. They are ignored when the file is sent again. */
export const REASON_COLUMNS = ["_line", "_field", "_reason"] as const;

/** Whether the column only says why a row failed. */
export function isReasonColumn(name: string): boolean {
  return (REASON_COLUMNS as readonly string[]).includes(name.trim());
}

/** A column of the file, by its place there. */
interface Placed {
  readonly at: number;
  readonly column: FileColumn;
}

/** A column whose values are written as they are: a field of the model, or one that refers to another record by its key. */
export interface ValueColumn extends Placed {
  readonly field: ColumnField;
}

/** Records of another model that are found by a unique key. */
export interface LookedUp {
  readonly relation: RelationField;
  readonly target: Model;
  readonly unique: UniqueKey;
  /** The columns with the key's values, in the order of its fields. For links one, whose cells hold lists. */
  readonly parts: readonly Placed[];
  readonly isLinks: boolean;
}

/** A many-to-many relation whose cells hold ids. */
export interface LinkColumn extends Placed {
  readonly relation: RelationField;
}

/** What the columns of a file mean. */
export interface ImportColumns {
  readonly values: readonly ValueColumn[];
  readonly links: readonly LinkColumn[];
  readonly lookedUp: readonly LookedUp[];
  /** Headers of columns that nobody can write, such as computed ones. */
  readonly readOnlyColumns: readonly string[];
  /** The number of the file's columns. */
  readonly count: number;
}

/** What understanding the columns needs. */
export interface ColumnPorts {
  readonly models: ModelRegistry;
  readonly access: Access;
  readonly writable: WritableFields;
}

/** Which fields the headers of the viewer's file may name: a field of another model only if the viewer may read it. */
export function mayReadHeader(access: Access, viewer: Viewer, model: Model): MayRead {
  return (owner, field) =>
    owner.name === model.name ||
    (access.isAllowed(owner.name, viewer, "READ") &&
      access.isFieldAllowed(owner.name, field.name, viewer, "READ"));
}

/** Finds out what the columns of these names mean. Problems name each header at fault, with the nearest name that would do. */
export function readColumns(
  { models, access, writable }: ColumnPorts,
  viewer: Viewer,
  model: Model,
  names: readonly string[],
  { operation, mapping = {} }: Pick<ImportForm, "operation" | "mapping">,
): Parsed<ImportColumns> {
  const asked = names.filter((name) => !isReasonColumn(name));
  const mayRead = mayReadHeader(access, viewer, model);
  const matched = matchHeaders(models, model, asked, { mapping, mayRead });
  if ("problems" in matched) {
    return matched;
  }
  let next = 0;
  const placed = names.flatMap((name, at): readonly Placed[] => {
    const column = isReasonColumn(name) ? undefined : matched.value[next++];
    return column === undefined ? [] : [{ at, column }];
  });
  const isWritten = (field: string): boolean =>
    operation === "UPDATE"
      ? writable.changeable.has(field) || isOfKey(model, field)
      : writable.creatable.has(field) || writable.changeable.has(field);
  return sortColumns(models, placed, isWritten, names);
}

function isOfKey({ key, uniques }: Model, name: string): boolean {
  return [key, ...uniques.map(({ fields }) => fields)].some((fields) =>
    fields.some((field) => field.name === name),
  );
}

function sortColumns(
  models: ModelRegistry,
  placed: readonly Placed[],
  isWritten: (field: string) => boolean,
  names: readonly string[],
): Parsed<ImportColumns> {
  const sorts = placed.map((each) => ({ each, sort: sortOf(each.column, isWritten) }));
  const of = (sort: ColumnSort): readonly Placed[] =>
    sorts.flatMap((one) => (one.sort === sort ? [one.each] : []));
  const values = of("VALUE").map((each): ValueColumn => ({ ...each, field: each.column.field }));
  const links = of("LINKS").flatMap((each): readonly LinkColumn[] => {
    const [relation] = each.column.relations;
    return relation === undefined ? [] : [{ ...each, relation }];
  });
  const readOnly = [...of("READ_ONLY")];
  const lookedUp: LookedUp[] = [];
  const problems = of("FAR").map(({ column }) =>
    headerProblem(column, "is of a record too far away; name a key of the related record"),
  );
  for (const [relation, parts] of byRelation(of("OTHER"))) {
    const reference = readReference(models, relation, parts);
    if ("problems" in reference) {
      problems.push(...reference.problems);
    } else if (!("values" in reference)) {
      lookedUp.push(reference);
    } else if (reference.values.every(({ field }) => isWritten(field.name))) {
      values.push(...reference.values);
    } else {
      readOnly.push(...parts);
    }
  }
  problems.push(...twice(values, lookedUp));
  const readOnlyColumns = readOnly.map(({ at }) => names[at] ?? "");
  return problems.length > 0
    ? { problems }
    : { value: { values, links, lookedUp, readOnlyColumns, count: names.length } };
}

/** OTHER: names a record by a key. READ_ONLY: nobody can write it. */
type ColumnSort = "VALUE" | "LINKS" | "OTHER" | "FAR" | "READ_ONLY";

function sortOf(
  { relations: [relation, ...further], field, isLinks, isId }: FileColumn,
  isWritten: (field: string) => boolean,
): ColumnSort {
  if (relation === undefined) {
    return isWritten(field.name) && field.isGenerated !== true ? "VALUE" : "READ_ONLY";
  }
  if (further.length > 0) {
    return "FAR";
  }
  if (!isLinks) {
    return "OTHER";
  }
  return isWritten(relation.name) ? (isId ? "LINKS" : "OTHER") : "READ_ONLY";
}

function byRelation(parts: readonly Placed[]): ReadonlyMap<RelationField, readonly Placed[]> {
  const groups = new Map<RelationField, Placed[]>();
  for (const part of parts) {
    const [relation] = part.column.relations;
    if (relation !== undefined) {
      groups.set(relation, [...(groups.get(relation) ?? []), part]);
    }
  }
  return groups;
}

/** The names of the fields and links that the columns write. */
export function writtenBy({
  values,
  links,
  lookedUp,
}: Pick<ImportColumns, "values" | "links" | "lookedUp">): readonly string[] {
  return [
    ...values.map(({ field }) => field.name),
    ...links.map(({ relation }) => relation.name),
    ...lookedUp.flatMap(({ relation, isLinks }) => (isLinks ? [relation.name] : relation.foreignKey)),
  ];
}

/** The columns that name the record to which a relation leads, or the records of a list of links. */
function readReference(
  models: ModelRegistry,
  relation: RelationField,
  parts: readonly Placed[],
): { readonly values: readonly ValueColumn[] } | LookedUp | { readonly problems: readonly RecordProblem[] } {
  const target = models.get(relation.type);
  const [first] = parts;
  if (first === undefined || (!relation.isList && relation.foreignKey.length === 0)) {
    const words = `cannot be set here: ${relation.type} refers to this record, not this record to it`;
    return { problems: parts.map(({ column }) => headerProblem(column, words)) };
  }
  const named = parts.map(({ column }) => column.field.name);
  const references = relation.references ?? target.key.map(({ name }) => name);
  if (!relation.isList && isSame(named, references)) {
    return { values: directValues(parts, relation, references) };
  }
  const unique = [{ name: "id", fields: target.key }, ...namingKeys(target)].find(({ fields }) =>
    isSame(
      named,
      fields.map(({ name }) => name),
    ),
  );
  if (unique === undefined) {
    const keys = namingKeys(target).map(({ fields }) =>
      fields.map(({ apiName }) => `${relation.apiName}.${apiName}`).join(" and "),
    );
    const words = `names no ${target.apiName}. Use ${[`${relation.apiName}.id`, ...keys].join(", or ")}`;
    return { problems: [headerProblem(first.column, words)] };
  }
  if (!relation.isList && !references.every((name) => target.key.some((field) => field.name === name))) {
    const words = `cannot be looked up: the relation refers to ${references.join(" and ")}. Use ${references.map((name) => `${relation.apiName}.${name}`).join(" and ")}`;
    return { problems: [headerProblem(first.column, words)] };
  }
  const ordered = unique.fields.flatMap(
    ({ name }) => parts.find(({ column }) => column.field.name === name) ?? [],
  );
  return { relation, target, unique, parts: ordered, isLinks: relation.isList };
}

/** The values that a foreign key holds itself. */
function directValues(
  parts: readonly Placed[],
  relation: RelationField,
  references: readonly string[],
): readonly ValueColumn[] {
  return parts.map((part) => {
    const name = relation.foreignKey[references.indexOf(part.column.field.name)] ?? "";
    const field: ColumnField = { ...part.column.field, name, isNullable: relation.isNullable };
    return { ...part, field };
  });
}

function isSame(names: readonly string[], others: readonly string[]): boolean {
  return names.length === others.length && names.every((name) => others.includes(name));
}

/** The problems of fields that several columns would write: `countryCode` and `country.code`. */
function twice(values: readonly ValueColumn[], lookedUp: readonly LookedUp[]): readonly RecordProblem[] {
  const taken = new Map<string, string>();
  const written = [
    ...values.map(({ field, column }) => ({ name: field.name, column })),
    ...lookedUp.flatMap(({ relation, parts: [first] }) =>
      first === undefined ? [] : relation.foreignKey.map((name) => ({ name, column: first.column })),
    ),
  ];
  return written.flatMap(({ name, column }) => {
    const other = taken.get(name);
    taken.set(name, other ?? column.header);
    return other === undefined
      ? []
      : [headerProblem(column, `and ${other} both write ${name}. Leave one of them out by the mapping`)];
  });
}

function headerProblem({ header }: FileColumn, words: string): RecordProblem {
  return problem(`The column ${header} ${words}.`, "header");
}

/** The unique key by which rows name their records; undefined for the id. */
export function readKey(model: Model, key: string | undefined): Parsed<UniqueKey | undefined> {
  const [own, ...more] = model.key;
  const whole = model.key.map(({ name }) => name).join();
  const keys = namingKeys(model);
  if (key === undefined && more.length > 0) {
    return { value: keys.find(({ fields }) => fields.map(({ name }) => name).join() === whole) };
  }
  if (key === undefined || (more.length === 0 && (key === "id" || key === own?.apiName))) {
    return { value: undefined };
  }
  const unique = keys.find((each) => apiNameOfKey(each) === key);
  if (unique !== undefined) {
    return { value: unique };
  }
  const known = [...(more.length === 0 ? ["id"] : []), ...keys.map(apiNameOfKey)];
  const nearest = nearestName(key, known);
  const advice = nearest === undefined ? `It has ${known.join(", ")}.` : `Did you mean ${nearest}?`;
  return {
    problems: [problem(`key: ${model.apiName} has no unique key "${key.slice(0, 60)}". ${advice}`, "key")],
  };
}

/** The problem of a file that lacks a column of the key that names the records. */
export function missingKey(
  model: Model,
  form: Pick<ImportForm, "key">,
  columns: ImportColumns,
): RecordProblem | undefined {
  const unique = readKey(model, form.key);
  const fields = ("value" in unique ? unique.value?.fields : undefined) ?? model.key;
  const given = new Set(writtenBy(columns));
  const missing = fields.filter(({ name }) => !given.has(name)).map(({ apiName }) => apiName);
  return missing.length === 0
    ? undefined
    : problem(
        `The file has no column ${missing.join(", ")}, by which its rows would name their records. Add it, or name another key.`,
        "key",
      );
}

/** The problem of a mapping that does not say a path for each header. It comes as any JSON. */
export function mappingProblem(mapping: unknown): RecordProblem | undefined {
  const isMapping =
    typeof mapping === "object" &&
    mapping !== null &&
    !Array.isArray(mapping) &&
    Object.values(mapping).every((path) => typeof path === "string");
  return mapping === undefined || isMapping
    ? undefined
    : problem('mapping: needs an object of texts, such as {"Full name": "name"}.', "mapping");
}

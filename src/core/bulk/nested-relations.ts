import { oncePer } from "../../kernel/once-per.ts";
import { firstFree } from "../records/api-name.ts";
import { isWritable } from "../records/field-switches.ts";
import type { ColumnField, Model, ModelRegistry, RelationField } from "../records/model.ts";
import { canCreate, findModel, oppositeOf, relationsOf } from "../records/model.ts";
import { changeableColumns, creatableColumns } from "../records/writable-fields.ts";
import { manyToManyOf } from "./bulk-rules.ts";

/** A list of records that refer to the record by its key, or are linked with it, and that can be written together with it. */
export interface NestedRelation {
  /** On the model of the record: `cities`. */
  readonly field: RelationField;
  /** The member of the record's inputs that has the list: `cities`; for links, which have a member of their own, `createTags`. */
  readonly apiName: string;
  /** The model of the list's records. */
  readonly target: Model;
  /** The target's columns that refer to the record, each with the field of the record's key that it holds. */
  readonly foreignKey: readonly { readonly column: ColumnField; readonly refersTo: ColumnField }[];
  /** Of a many-to-many relation: the target's field that leads back. Then there is no foreign key. */
  readonly opposite?: RelationField;
  /** Whether new records of the target can be created in the list. */
  readonly canCreate: boolean;
  /** Whether records of the target can be moved into the list: whether their foreign key can be changed. */
  readonly canConnect: boolean;
}

/** The lists that can be written together with a record: callers may write the relation, and the columns that hold it. */
export function nestedRelations(models: ModelRegistry, model: Model): readonly NestedRelation[] {
  return nestedOf(models)(model);
}

const nestedOf = oncePer((models: ModelRegistry) => oncePer((model: Model) => findNested(models, model)));

function findNested(models: ModelRegistry, model: Model): readonly NestedRelation[] {
  const links = manyToManyOf(models, model);
  const taken = new Set(model.fields.map(({ apiName }) => apiName));
  return relationsOf(model).flatMap((field) => {
    const target = findModel(models, field.type);
    const opposite = target === undefined || !field.isList ? undefined : oppositeOf(models, model, field);
    if (target === undefined || opposite === undefined || !isWritable(field, "SINGLE")) {
      return [];
    }
    return links.includes(field)
      ? linkedList(field, target, opposite, taken)
      : referringList(model, field, target, opposite);
  });
}

/** Links have a member of their own: that of the relation's name takes ids. */
function linkedList(
  field: RelationField,
  target: Model,
  opposite: RelationField,
  taken: Set<string>,
): readonly NestedRelation[] {
  if (!canCreate(target) || creatableColumns(target, "SINGLE").length === 0) {
    return [];
  }
  const [initial = "", ...rest] = field.apiName;
  const apiName = firstFree(`create${initial.toUpperCase()}${rest.join("")}`, (name) => !taken.has(name));
  taken.add(apiName);
  return [{ field, apiName, target, foreignKey: [], opposite, canCreate: true, canConnect: false }];
}

function referringList(
  model: Model,
  field: RelationField,
  target: Model,
  holder: RelationField,
): readonly NestedRelation[] {
  const foreignKey = foreignKeyOf(model, target, holder);
  if (foreignKey.length === 0) {
    return [];
  }
  const isAmong = (columns: readonly ColumnField[]): boolean =>
    foreignKey.every(({ column }) => columns.includes(column));
  const creatable = creatableColumns(target, "SINGLE");
  const nested = {
    field,
    apiName: field.apiName,
    target,
    foreignKey,
    // An input needs a field.
    canCreate: canCreate(target) && isAmong(creatable) && creatable.length > foreignKey.length,
    canConnect: isAmong(changeableColumns(target, "SINGLE")),
  };
  return nested.canCreate || nested.canConnect ? [nested] : [];
}

/** Empty where the relation does not refer to the model's key, or has a column that the API does not know. */
function foreignKeyOf(
  model: Model,
  target: Model,
  { foreignKey, references = model.key.map(({ name }) => name) }: RelationField,
): NestedRelation["foreignKey"] {
  const pairs = foreignKey.flatMap((name, at) => {
    const column = target.fields.find((field) => field.name === name);
    const refersTo = model.key.find((field) => field.name === references[at]);
    return column === undefined || column.kind === "relation" || refersTo === undefined
      ? []
      : [{ column, refersTo }];
  });
  return pairs.length === foreignKey.length && pairs.length === model.key.length ? pairs : [];
}

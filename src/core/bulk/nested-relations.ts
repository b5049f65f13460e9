import { oncePer } from "../../kernel/once-per.ts";
import { isWritable } from "../records/field-switches.ts";
import type { ColumnField, Model, ModelRegistry, RelationField } from "../records/model.ts";
import { canCreate, oppositeOf, relationsOf } from "../records/model.ts";
import { changeableColumns, creatableColumns } from "../records/writable-fields.ts";

/** A list of records that refer to the record by its key, and that can be written together with it. */
export interface NestedRelation {
  /** On the model of the record: `cities`. */
  readonly field: RelationField;
  /** The model of the list's records. */
  readonly target: Model;
  /** The target's columns that refer to the record, each with the field of the record's key that it holds. */
  readonly foreignKey: readonly { readonly column: ColumnField; readonly refersTo: ColumnField }[];
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
  return relationsOf(model).flatMap((field) => {
    const target = models.all().find(({ name }) => name === field.type);
    const holder = target === undefined || !field.isList ? undefined : oppositeOf(models, model, field);
    const foreignKey =
      holder === undefined || target === undefined ? [] : foreignKeyOf(model, target, holder);
    if (target === undefined || foreignKey.length === 0 || !isWritable(field, "SINGLE")) {
      return [];
    }
    const isAmong = (columns: readonly ColumnField[]): boolean =>
      foreignKey.every(({ column }) => columns.includes(column));
    const creatable = creatableColumns(target, "SINGLE");
    const nested = {
      field,
      target,
      foreignKey,
      // An input needs a field.
      canCreate: canCreate(target) && isAmong(creatable) && creatable.length > foreignKey.length,
      canConnect: isAmong(changeableColumns(target, "SINGLE")),
    };
    return nested.canCreate || nested.canConnect ? [nested] : [];
  });
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

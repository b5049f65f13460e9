import type { FieldSwitches } from "./field-switches.ts";
import { isFilterable, isReadable, isSortable } from "./field-switches.ts";
import type { Field, Model, RelationField } from "./model.ts";

/**
 * Gives relations the switches of the columns that hold them, at both ends: who may not see or filter by a foreign key may
 * not do so by way of the relation. A relation keeps what it says itself. A column that refers to one that is hidden, too,
 * such as the tenant's, shows nothing by the relation, so it does not count.
 */
export function followForeignKeys(models: readonly Model[]): readonly Model[] {
  const byName = new Map(models.map((model) => [model.name, model]));
  const holderOf = (model: Model, field: RelationField): readonly [Model, RelationField] | undefined => {
    if (field.foreignKey.length > 0) {
      return [model, field];
    }
    const other = byName.get(field.type);
    const opposite = other?.fields.find(
      (each): each is RelationField =>
        each.kind === "relation" && each.relationName === field.relationName && each.foreignKey.length > 0,
    );
    return other === undefined || opposite === undefined ? undefined : [other, opposite];
  };
  return models.map((model) => ({
    ...model,
    fields: model.fields.map((field) => {
      const holder = field.kind === "relation" ? holderOf(model, field) : undefined;
      const inherited = holder === undefined ? {} : switchesOfForeignKey(...holder, byName);
      return Object.keys(inherited).length === 0
        ? field
        : { ...field, switches: { ...inherited, ...field.switches } };
    }),
  }));
}

function switchesOfForeignKey(
  model: Model,
  { foreignKey, references, type }: RelationField,
  byName: ReadonlyMap<string, Model>,
): FieldSwitches {
  const target = byName.get(type);
  const referred = references ?? target?.key.map(({ name }) => name) ?? [];
  const shown = foreignKey
    .map((name, at) => ({ column: fieldOf(model, name), refersTo: fieldOf(target, referred[at]) }))
    .filter(({ refersTo }) => refersTo === undefined || isReadable(refersTo));
  const isClosed = (is: (field: Field) => boolean): boolean =>
    shown.some(({ column }) => column !== undefined && !is(column));
  return {
    ...(isClosed(isReadable) ? { isExposed: false } : {}),
    ...(isClosed(isFilterable) ? { isFilterable: false } : {}),
    ...(isClosed(isSortable) ? { isSortable: false } : {}),
  };
}

function fieldOf(model: Model | undefined, name: string | undefined): Field | undefined {
  return model?.fields.find((field) => field.name === name);
}

import type { Model, RelationField } from "../../core/records/model.ts";
import { relationsOf } from "../../core/records/model.ts";
import { quoteName } from "../../kernel/sql-session.ts";

/** A column of a join table. */
interface JoinColumn {
  /** Quoted. */
  readonly name: string;
  readonly type: string;
}

/** The table behind a many-to-many relation, as seen from the model that has the field. */
export interface JoinTable {
  /** Quoted, with its schema. */
  readonly table: string;
  /** Holds the key of the record that has the links. */
  readonly near: JoinColumn;
  /** Holds the key of the record that is linked with. */
  readonly far: JoinColumn;
}

/** Where Prisma has the links of a relation, if it is a many-to-many one; quoted, with its schema. */
export function joinTableName(model: Model, relation: RelationField): string {
  return `${quoteName(model.schema)}.${quoteName(`_${relation.relationName}`)}`;
}

/**
 * Join tables are Prisma's own, with the columns A and B. A is for the model whose name comes first; where a model is
 * linked with itself, for the record whose field comes first.
 * @param types of the columns, by name
 */
export function joinTableOf(
  model: Model,
  relation: RelationField,
  types: ReadonlyMap<string, { readonly type: string }>,
): JoinTable | undefined {
  const [first, second] = ["A", "B"].map((name) => columnOf(name, types));
  if (first === undefined || second === undefined) {
    return undefined;
  }
  const table = joinTableName(model, relation);
  return isFirst(model, relation) ? { table, near: first, far: second } : { table, near: second, far: first };
}

function columnOf(
  name: string,
  types: ReadonlyMap<string, { readonly type: string }>,
): JoinColumn | undefined {
  const known = types.get(name);
  return known === undefined ? undefined : { name: quoteName(name), type: known.type };
}

function isFirst(model: Model, relation: RelationField): boolean {
  if (relation.type !== model.name) {
    return model.name < relation.type;
  }
  const names = relationsOf(model)
    .filter(({ relationName }) => relationName === relation.relationName)
    .map(({ name }) => name)
    .toSorted((a, b) => (a < b ? -1 : 1));
  return relation.name === names[0];
}

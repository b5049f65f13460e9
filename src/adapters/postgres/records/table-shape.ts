import type { ColumnField, Model, RelationField } from "../../../core/records/model.ts";
import { columnsOf, relationsOf } from "../../../core/records/model.ts";
import { AppError } from "../../../kernel/app-error.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import { quoteName } from "../../../kernel/sql-session.ts";

/** A column as SQL needs it. */
export interface ColumnShape {
  readonly field: ColumnField;
  /** Quoted. */
  readonly name: string;
  /** Its type as PostgreSQL writes it: `integer`, `character varying(2)`, `"CityStatus"`. */
  readonly type: string;
  /** The same with its length or precision, and of a domain the type that it is made of: `timestamp(3) without time zone`. */
  readonly nativeType: string;
}

/** A model's table as SQL needs it. */
export interface TableShape {
  readonly model: Model;
  /** Quoted, with its schema. */
  readonly table: string;
  readonly key: readonly ColumnShape[];
  /** By field name. */
  readonly columns: ReadonlyMap<string, ColumnShape>;
  /** Of its many-to-many relations, by field name. */
  readonly joinTables: ReadonlyMap<string, JoinTable>;
  /** Whether triggers of the app's own run for each statement, also for one that changes no row. */
  readonly hasStatementTriggers: boolean;
}

/** Gives each model's table shape. */
export interface TableShapes {
  /** Reads it from the database's catalog on first use. */
  of(model: Model): Promise<TableShape>;
}

/**
 * Column types come from the catalog: the data model does not tell native types such as uuid. With -1 for their length:
 * without any, `character` means one character, and with theirs a cast would cut off what is too long.
 */
const COLUMN_TYPES = `
SELECT attname AS name, format_type(atttypid, -1) AS type,
       CASE WHEN typtype = 'd' THEN format_type(typbasetype, typtypmod)
            ELSE format_type(atttypid, atttypmod) END AS "nativeType"
  FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
 WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped`;

const STATEMENT_TRIGGERS = `
SELECT FROM pg_trigger WHERE tgrelid = to_regclass($1::text) AND NOT tgisinternal AND tgtype & 1 = 0 LIMIT 1`;

/** @returns shapes that are read once each and then remembered; migrations run before the service starts */
export function createTableShapes(session: SqlSession): TableShapes {
  const shapes = new Map<string, Promise<TableShape>>();
  return {
    of(model) {
      const known = shapes.get(model.name);
      if (known !== undefined) {
        return known;
      }
      const reading = readShape(session, model);
      shapes.set(model.name, reading);
      reading.catch(() => shapes.delete(model.name));
      return reading;
    },
  };
}

async function readShape(session: SqlSession, model: Model): Promise<TableShape> {
  // Never left to the search path: that begins with the user's name, and "powercrud" has tables of its own.
  const table = `${quoteName(model.schema)}.${quoteName(model.table)}`;
  const types = await readTypes(session, table);
  const shapeOf = (field: ColumnField): ColumnShape => columnShape(model, field, types);
  const columns = new Map(columnsOf(model).map((field) => [field.name, shapeOf(field)]));
  return {
    model,
    table,
    columns,
    key: model.key.map(shapeOf),
    joinTables: await readJoinTables(session, model),
    hasStatementTriggers: (await session.query(STATEMENT_TRIGGERS, [table])).length > 0,
  };
}

type ColumnTypes = Pick<ColumnShape, "type" | "nativeType">;

async function readTypes(session: SqlSession, table: string): Promise<ReadonlyMap<string, ColumnTypes>> {
  const rows = await session.query<ColumnTypes & { name: string }>(COLUMN_TYPES, [table]);
  return new Map(rows.map(({ name, ...types }) => [name, types]));
}

async function readJoinTables(session: SqlSession, model: Model): Promise<ReadonlyMap<string, JoinTable>> {
  const joinTables = new Map<string, JoinTable>();
  for (const relation of relationsOf(model).filter(({ isList }) => isList)) {
    const types = await readTypes(session, joinTableName(model, relation));
    const joinTable = joinTableOf(model, relation, types);
    if (joinTable !== undefined) {
      joinTables.set(relation.name, joinTable);
    }
  }
  return joinTables;
}

function columnShape(
  model: Model,
  field: ColumnField,
  columnTypes: ReadonlyMap<string, ColumnTypes>,
): ColumnShape {
  const types = columnTypes.get(field.column);
  if (types === undefined) {
    throw new AppError(
      "MIGRATION_FAILED",
      `The database has no column "${field.column}" in table "${model.table}", which ${model.name}.${field.name} needs. Run: powercrud migrate`,
    );
  }
  return { field, name: quoteName(field.column), ...types };
}

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
function joinTableName(model: Model, relation: RelationField): string {
  return `${quoteName(model.schema)}.${quoteName(`_${relation.relationName}`)}`;
}

/**
 * Join tables are Prisma's own, with the columns A and B. A is for the model whose name comes first; where a model is
 * linked with itself, for the record whose field comes first.
 * @param types of the columns, by name
 */
function joinTableOf(
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

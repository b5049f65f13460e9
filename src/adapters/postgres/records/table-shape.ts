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
  /** The type with length or precision, and a domain's base type: `timestamp(3) without time zone`. */
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
  /** The join tables of its many-to-many relations, by field name. */
  readonly joinTables: ReadonlyMap<string, JoinTable>;
  /**
   * Whether the guard and a change of one record may be one statement. Not where a trigger, a rule or a view could act
   * although the change is refused, which only a transaction can undo; nor where a statement by itself is not READ
   * COMMITTED.
   */
  readonly isGuardedInStatement: boolean;
}

/** Gives each model's table shape. */
export interface TableShapes {
  /** Reads it from the database's catalog on first use. */
  of(model: Model): Promise<TableShape>;
}

/**
 * $1 table. Types come from the catalog, since the data model lacks native types such as uuid. `type` is formatted with
 * length -1 (unlimited): a cast to the real length would truncate values, and `character` alone means one character.
 */
const COLUMN_TYPES = `
SELECT attname AS name, format_type(atttypid, -1) AS type,
       CASE WHEN typtype = 'd' THEN format_type(typbasetype, typtypmod)
            WHEN NOT collisdeterministic
            THEN format_type(atttypid, atttypmod) || ' with a nondeterministic collation'
            ELSE format_type(atttypid, atttypmod) END AS "nativeType"
  FROM pg_attribute JOIN pg_type t ON t.oid = atttypid LEFT JOIN pg_collation l ON l.oid = attcollation
 WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped`;

/** $1 table. */
const IS_GUARDED_IN_STATEMENT = `
SELECT relkind = 'r' AND NOT relhasrules AND NOT relhassubclass
       AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)
       AND current_setting('default_transaction_isolation') = 'read committed' AS is_guarded
  FROM pg_class c WHERE oid = to_regclass($1::text)`;

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
  // With its schema, not by the search path: that begins with the user's name, and the schema "powercrud" has tables, too.
  const table = `${quoteName(model.schema)}.${quoteName(model.table)}`;
  const types = await readTypes(session, table);
  checkColumns(model, types);
  const shapeOf = (field: ColumnField): ColumnShape => columnShape(model, field, types);
  const columns = new Map(columnsOf(model).map((field) => [field.name, shapeOf(field)]));
  return {
    model,
    table,
    columns,
    key: model.key.map(shapeOf),
    joinTables: await readJoinTables(session, model),
    isGuardedInStatement: await isGuardedInStatement(session, table),
  };
}

async function isGuardedInStatement(session: SqlSession, table: string): Promise<boolean> {
  const [row] = await session.query<{ is_guarded: boolean }>(IS_GUARDED_IN_STATEMENT, [table]);
  return row?.is_guarded === true;
}

/** @throws AppError MIGRATION_FAILED, naming all columns that the model needs and the table lacks */
function checkColumns(model: Model, types: ReadonlyMap<string, unknown>): void {
  const missing = columnsOf(model).filter(({ column }) => !types.has(column));
  if (missing.length === 0) {
    return;
  }
  const table = `"${model.table}" in the schema "${model.schema}"`;
  const columns = missing.map(({ name, column }) =>
    name === column ? `"${column}"` : `"${column}" (${name})`,
  );
  const what =
    types.size === 0
      ? `the database has no table ${table}`
      : `the database has no column ${columns.join(", ")} in its table ${table}`;
  throw new AppError(
    "MIGRATION_FAILED",
    `Model ${model.name}: ${what}. Run: powercrud migrate. Or keep the model out of the API with {isExposed: false} in its options.`,
  );
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
    throw new TypeError(`the table of ${model.name} was not checked for "${field.column}"`);
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
  /** Refers to the record that has the field. */
  readonly near: JoinColumn;
  /** Refers to the linked record. */
  readonly far: JoinColumn;
}

/** The name of the table in which Prisma keeps a relation's links, if it is many-to-many. Quoted, with its schema. */
function joinTableName(model: Model, relation: RelationField): string {
  return `${quoteName(model.schema)}.${quoteName(`_${relation.relationName}`)}`;
}

/**
 * Prisma makes join tables with the columns A and B. A refers to the model whose name comes first. In a relation of a model
 * with itself, A refers to the record whose field name comes first.
 * @param types the columns' types by name
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

import type { ColumnField, Model, RelationField } from "../../../core/records/model.ts";
import { columnsOf, relationsOf } from "../../../core/records/model.ts";
import { AppError } from "../../../kernel/app-error.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import { quoteName } from "../../../kernel/sql-session.ts";
import type { TextTools } from "./text-tools.ts";
import { readTextTools } from "./text-tools.ts";

/** A column as SQL needs it. */
export interface ColumnShape {
  readonly field: ColumnField;
  /** Quoted. */
  readonly name: string;
  /** Its type as PostgreSQL writes it: `integer`, `character varying(2)`, `"CityStatus"`. */
  readonly type: string;
  /** The type with length or precision, and a domain's base type: `timestamp(3) without time zone`. */
  readonly nativeType: string;
  /** Whether the database makes its values of the row's others. */
  readonly isGenerated?: true;
  /** The labels of an enum in the order in which the database sorts them. */
  readonly enumLabels?: readonly string[];
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
  /** Whether the database may change other columns than those that a write names: by triggers, rules or generated columns. */
  readonly isChangedByDatabase: boolean;
  /** Whether RETURNING has the values before an update: since PostgreSQL 18. */
  readonly hasOld: boolean;
  /** In a dry run: the fields whose values each write keeps, before and after; see sql/preview. Left out: none. */
  readonly kept?: readonly ColumnField[];
  /** The columns of each index that can give rows in order, quoted. */
  readonly indexes: readonly (readonly string[])[];
}

/** Gives each model's table shape. */
export interface TableShapes {
  /** Reads it from the database's catalog on first use. */
  of(model: Model): Promise<TableShape>;
  /** Asks the database on first use. */
  textTools(): Promise<TextTools>;
}

/**
 * $1 the names of tables, quoted, with their schemas. Types come from the catalog, since the data model lacks native
 * types such as uuid. `type` is formatted with length -1 (unlimited): a cast to the real length would truncate values,
 * and `character` alone means one character.
 */
const TABLES = `
SELECT listed.name, part.columns,
       relkind = 'r' AND NOT relhasrules AND NOT relhassubclass
       AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)
       AND current_setting('default_transaction_isolation') = 'read committed' AS "isGuardedInStatement",
       relkind <> 'r' OR relhasrules OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)
       OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attgenerated <> '') AS "isChangedByDatabase",
       current_setting('server_version_num')::integer >= 180000 AS "hasOld",
       ARRAY(SELECT jsonb_agg(attname ORDER BY place)
               FROM pg_index i JOIN pg_class x ON x.oid = indexrelid JOIN pg_am m ON m.oid = x.relam
              CROSS JOIN unnest(indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
               LEFT JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = k.attnum
              WHERE indrelid = c.oid AND amname = 'btree' AND indisvalid AND indpred IS NULL AND place <= indnkeyatts
              GROUP BY indexrelid) AS indexes
  FROM unnest($1::text[]) AS listed(name) JOIN pg_class c ON c.oid = to_regclass(listed.name)
 CROSS JOIN LATERAL (
   SELECT coalesce(jsonb_object_agg(attname, jsonb_strip_nulls(jsonb_build_object(
            'type', format_type(atttypid, -1),
            'nativeType', CASE WHEN typtype = 'd' THEN format_type(typbasetype, typtypmod)
                               WHEN NOT collisdeterministic
                               THEN format_type(atttypid, atttypmod) || ' with a nondeterministic collation'
                               ELSE format_type(atttypid, atttypmod) END,
            'isGenerated', nullif(attgenerated <> '', false),
            'enumLabels', CASE WHEN typtype IN ('e', 'd') THEN (
              SELECT jsonb_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum
               WHERE enumtypid = CASE typtype WHEN 'd' THEN typbasetype ELSE t.oid END) END))), '{}') AS columns
     FROM pg_attribute JOIN pg_type t ON t.oid = atttypid LEFT JOIN pg_collation l ON l.oid = attcollation
    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
 ) part`;

type ColumnTypes = Pick<ColumnShape, "type" | "nativeType" | "isGenerated" | "enumLabels">;

/** A table in the database's catalog. */
interface CatalogTable extends Pick<TableShape, "isGuardedInStatement" | "isChangedByDatabase" | "hasOld"> {
  readonly name: string;
  /** Null for an expression. */
  readonly indexes: readonly (readonly (string | null)[])[];
  readonly columns: Readonly<Record<string, ColumnTypes>>;
}

/** Undefined for a table that is not there. */
type Catalog = (table: string) => Promise<CatalogTable | undefined>;

/** Reads each table once, and those that are asked for together by one statement. Migrations run before the service starts. */
function createCatalog(session: SqlSession): Catalog {
  const tables = new Map<string, ReturnType<Catalog>>();
  let waiting: string[] = [];
  let reading: Promise<ReadonlyMap<string, CatalogTable>> | undefined;
  const readWaiting = async (): Promise<ReadonlyMap<string, CatalogTable>> => {
    const names = waiting;
    waiting = [];
    reading = undefined;
    const rows = await session.query<CatalogTable>(TABLES, [names]);
    return new Map(rows.map((row) => [row.name, row]));
  };
  return (table) => {
    const known = tables.get(table);
    if (known !== undefined) {
      return known;
    }
    waiting.push(table);
    reading ??= Promise.resolve().then(readWaiting);
    const found = reading.then((rows) => rows.get(table));
    tables.set(table, found);
    found.catch(() => tables.delete(table));
    return found;
  };
}

/** @returns shapes that are made once for each model */
export function createTableShapes(session: SqlSession): TableShapes {
  const catalog = createCatalog(session);
  const shapes = new WeakMap<Model, Promise<TableShape>>();
  let tools: Promise<TextTools> | undefined;
  return {
    textTools() {
      tools ??= readTextTools(session).catch(async (error: unknown) => {
        tools = undefined;
        return Promise.reject(error);
      });
      return tools;
    },
    of(model) {
      const known = shapes.get(model);
      if (known !== undefined) {
        return known;
      }
      const shape = shapeOf(catalog, model);
      shapes.set(model, shape);
      shape.catch(() => shapes.delete(model));
      return shape;
    },
  };
}

async function shapeOf(catalog: Catalog, model: Model): Promise<TableShape> {
  // With its schema, not by the search path: that begins with the user's name, and the schema "powercrud" has tables, too.
  const table = `${quoteName(model.schema)}.${quoteName(model.table)}`;
  const [own, joinTables] = await Promise.all([catalog(table), joinTablesOf(catalog, model)]);
  checkColumns(model, own?.columns ?? {});
  const shape = (field: ColumnField): ColumnShape => columnShape(model, field, own?.columns ?? {});
  return {
    model,
    table,
    columns: new Map(columnsOf(model).map((field) => [field.name, shape(field)])),
    key: model.key.map(shape),
    joinTables,
    isGuardedInStatement: own?.isGuardedInStatement === true,
    isChangedByDatabase: own?.isChangedByDatabase !== false,
    hasOld: own?.hasOld === true,
    indexes: (own?.indexes ?? []).map((columns) => columns.map((name) => quoteName(name ?? ""))),
  };
}

/** @throws AppError MIGRATION_FAILED, naming all columns that the model needs and the table lacks */
function checkColumns(model: Model, found: CatalogTable["columns"]): void {
  const missing = columnsOf(model).filter(({ column }) => found[column] === undefined);
  if (missing.length === 0) {
    return;
  }
  const what = model.isView ? "view" : "table";
  const table = `${what} "${model.table}" in the schema "${model.schema}"`;
  const columns = missing.map(({ name, column }) =>
    name === column ? `"${column}"` : `"${column}" (${name})`,
  );
  const fault =
    Object.keys(found).length === 0
      ? `the database has no ${table}`
      : `the database has no column ${columns.join(", ")} in the ${table}`;
  const remedy = model.isView
    ? "Prisma's migrations do not make views: add one that does."
    : "Run: npx powercrud migrate, or, if your tables have no migrations, npx prisma db push.";
  throw new AppError(
    "MIGRATION_FAILED",
    `Model ${model.name}: ${fault}. ${remedy} Or keep the model out of the API with {isExposed: false} in its options.`,
  );
}

async function joinTablesOf(catalog: Catalog, model: Model): Promise<ReadonlyMap<string, JoinTable>> {
  const found = relationsOf(model)
    .filter(({ isList }) => isList)
    .map(async (relation): Promise<readonly (readonly [string, JoinTable])[]> => {
      const table = await catalog(joinTableName(model, relation));
      const joinTable = joinTableOf(model, relation, table?.columns ?? {});
      return joinTable === undefined ? [] : [[relation.name, joinTable]];
    });
  return new Map((await Promise.all(found)).flat());
}

function columnShape(model: Model, field: ColumnField, columnTypes: CatalogTable["columns"]): ColumnShape {
  const types = columnTypes[field.column];
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
  types: CatalogTable["columns"],
): JoinTable | undefined {
  const [first, second] = ["A", "B"].map((name) => columnOf(name, types));
  if (first === undefined || second === undefined) {
    return undefined;
  }
  const table = joinTableName(model, relation);
  return isFirst(model, relation) ? { table, near: first, far: second } : { table, near: second, far: first };
}

function columnOf(name: string, types: CatalogTable["columns"]): JoinColumn | undefined {
  const known = types[name];
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

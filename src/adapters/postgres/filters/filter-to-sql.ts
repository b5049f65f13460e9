import type { JsonObject } from "../../../kernel/json.ts";
import { quoteName } from "../../../kernel/sql-session.ts";
import type { WhereFilter } from "../../../core/access/access.ts";
import type { FilterFold, Junctions, RelationPart } from "../../../core/filters/fold-filter.ts";
import { combine, foldFilter } from "../../../core/filters/fold-filter.ts";
import type { ColumnField, Model, ModelRegistry, RelationField } from "../../../core/records/model.ts";
import { oppositeOf } from "../../../core/records/model.ts";
import type { Statement } from "./column-to-sql.ts";
import { columnToSql } from "./column-to-sql.ts";
import type { TableShape, TableShapes } from "../records/table-shape.ts";
import type { TextTools } from "../records/text-tools.ts";
import type { SearchWithin } from "./search-to-sql.ts";
import { searchToSql } from "./search-to-sql.ts";

/** The models and their tables. */
export interface FilterPorts {
  readonly models: ModelRegistry;
  readonly shapes: TableShapes;
}

/** A filter as parts of a SELECT from the model's table. */
export interface FilterSql {
  /** LEFT JOINs to single related records, to append to the table. They never multiply its rows. */
  readonly joins: string;
  readonly condition: string;
}

/** The surroundings of a condition within the statement. */
interface Place {
  /** The table's name in the statement. */
  readonly alias: string;
  /** The joins of the SELECT around it. */
  readonly joins: string[];
  /** Whether an odd number of NOT and isNot surround it. */
  readonly isNegated: boolean;
}

/** A condition, as a function of its place; undefined for no condition. */
type Condition = ((place: Place) => string) | undefined;

const NOTHING: Condition = () => "FALSE";

const JUNCTIONS: Junctions<NonNullable<Condition>> = {
  nothing: NOTHING,
  and: (parts) => (place) => parenthesize(parts, place, " AND "),
  or: (parts) => (place) => parenthesize(parts, place, " OR "),
  not: (part) => (place) => `(NOT ${part({ ...place, isNegated: !place.isNegated })})`,
};

/**
 * Translates a filter into SQL. The caller's values become parameters, never text of the statement. Nulls, empty filters
 * and NOT mean the same as in Prisma, so `filter-to-prisma` (adapters/prisma) selects the same records.
 * @param alias the name of the model's table in the statement
 * @param statement collects the parameters
 * @throws TypeError for a field that the model does not have: the model has changed since the filter was stored
 */
export async function filterToSql(
  ports: FilterPorts,
  model: Model,
  where: WhereFilter | undefined,
  alias: string,
  statement: Statement,
): Promise<FilterSql> {
  const { shapes, tools } = await readTables(ports, model, where ?? {});
  const shapeOf = (of: Model): TableShape => shapes.get(of.name) as TableShape;
  const fold: FilterFold<Condition> = {
    filter: (members) => combine("AND", members, JUNCTIONS),
    logic: (operator, parts) => combine(operator, parts, JUNCTIONS),
    search: (search, of) => {
      const scope = foldFilter(ports.models, of, search.scope ?? {}, fold);
      const within: SearchWithin = (at) => {
        const joins: string[] = [];
        const sql = scope?.({ alias: at, joins, isNegated: false }) ?? "TRUE";
        return { joins: joins.join(""), condition: sql };
      };
      return (place) =>
        searchToSql(
          search,
          { table: shapeOf(of), alias: place.alias, tools: tools as TextTools, statement },
          within,
        );
    },
    column: (field, operators, of) => columnCondition(shapeOf(of), field, operators, statement),
    relation: (field, target, parts, of) => {
      const link = linkOf(ports.models, shapeOf(of), field, shapeOf(target));
      return combine(
        "AND",
        parts.map((part) => relationCondition(link, part, statement)),
        JUNCTIONS,
      );
    },
  };
  const condition = foldFilter(ports.models, model, where ?? {}, fold);
  const joins: string[] = [];
  const sql = condition?.({ alias, joins, isNegated: false }) ?? "TRUE";
  return { joins: joins.join(""), condition: sql };
}

/** The shapes of all tables that the filter uses, and what the database has for its search, if it has one. */
async function readTables(
  { models, shapes }: FilterPorts,
  model: Model,
  where: WhereFilter,
): Promise<{ readonly shapes: ReadonlyMap<string, TableShape>; readonly tools: TextTools | undefined }> {
  const found = new Set([model]);
  let isSearch = false;
  const fold: FilterFold<undefined> = {
    filter: () => undefined,
    logic: () => undefined,
    search({ scope = {} }, of) {
      isSearch = true;
      return foldFilter(models, of, scope, fold);
    },
    column: () => undefined,
    relation: (_field, target) => void found.add(target),
  };
  foldFilter(models, model, where, fold);
  const read = [...found].map(async (each) => [each.name, await shapes.of(each)] as const);
  const tools = isSearch ? await shapes.textTools() : undefined;
  return { shapes: new Map(await Promise.all(read)), tools };
}

function columnCondition(
  table: TableShape,
  field: ColumnField,
  operators: JsonObject,
  statement: Statement,
): Condition {
  const conditions = Object.entries(operators).map(([operator, operand]): Condition => {
    if (operator === "mode" || operator === "path") {
      return undefined;
    }
    return ({ alias, isNegated }) =>
      columnToSql(statement, { table, field, alias, isNegated, operators, operator, operand });
  });
  return combine("AND", conditions, JUNCTIONS);
}

/** How the rows of two tables are joined. */
export interface Link {
  readonly isList: boolean;
  readonly far: TableShape;
  /** Quoted. These columns of the near table must equal `farColumns`, which are the far table's or the join table's. */
  readonly nearColumns: readonly string[];
  readonly farColumns: readonly string[];
  /** Whether the near table has the foreign key. */
  readonly isNearKey: boolean;
  /** For a many-to-many relation: the join table and its column that refers to the far table's key. Quoted. */
  readonly joinTable?: { readonly table: string; readonly far: string };
}

/** The link that a relation of the near table makes. */
export function linkOf(models: ModelRegistry, near: TableShape, field: RelationField, far: TableShape): Link {
  const joinTable = near.joinTables.get(field.name);
  const opposite = oppositeOf(models, near.model, field);
  if (joinTable === undefined || opposite?.isList === false) {
    return keyLink(near, field, far, opposite);
  }
  return {
    isList: true,
    far,
    nearColumns: columnNames(near, near.model.primaryKey),
    farColumns: [joinTable.near.name],
    isNearKey: false,
    joinTable: { table: joinTable.table, far: joinTable.far.name },
  };
}

/** A link over a foreign key, which belongs to the field or to its opposite. */
function keyLink(
  near: TableShape,
  field: RelationField,
  far: TableShape,
  opposite: RelationField | undefined,
): Link {
  const isNearKey = field.foreignKey.length > 0;
  const owner = isNearKey ? field : opposite;
  const [owned, other] = isNearKey ? [near, far] : [far, near];
  const foreignKey = columnNames(owned, owner?.foreignKey ?? []);
  const referred = columnNames(other, owner?.references ?? other.model.primaryKey);
  const [nearColumns, farColumns] = isNearKey ? [foreignKey, referred] : [referred, foreignKey];
  return { isList: field.isList, far, nearColumns, farColumns, isNearKey };
}

function columnNames(table: TableShape, fields: readonly string[]): readonly string[] {
  return fields.map((name) => table.columns.get(name)?.name ?? quoteName(name));
}

function relationCondition(link: Link, part: RelationPart<Condition>, statement: Statement): Condition {
  return (place) =>
    link.isList ? listCondition(link, part, statement, place) : singleCondition(link, part, statement, place);
}

function singleCondition(
  link: Link,
  { operator, inner }: RelationPart<Condition>,
  statement: Statement,
  place: Place,
): string {
  const not = operator === "isNot" ? "NOT " : "";
  if (inner === null && link.isNearKey) {
    return `(${not}(${areNull(place.alias, link.nearColumns)}))`;
  }
  const alias = statement.alias();
  place.joins.push(joinOne(link, alias, place.alias));
  // Where a record was joined, these are never null: they are equal to the near ones.
  const isMissing = areNull(alias, link.farColumns);
  if (inner === null) {
    return `(${not}(${isMissing}))`;
  }
  const isNegated = operator === "isNot" ? !place.isNegated : place.isNegated;
  const condition = inner?.({ alias, joins: place.joins, isNegated }) ?? "TRUE";
  return operator === "isNot"
    ? `((NOT ${condition}) OR (${isMissing}))`
    : `(${condition} AND (${areNull(alias, link.farColumns, "IS NOT NULL")}))`;
}

function listCondition(
  link: Link,
  { operator, inner }: RelationPart<Condition>,
  statement: Statement,
  place: Place,
): string {
  const alias = statement.alias();
  const joins: string[] = [];
  const isEvery = operator === "every";
  const condition = inner?.({ alias, joins, isNegated: place.isNegated }) ?? "TRUE";
  const wanted = isEvery ? `(NOT ${condition})` : condition;
  const related = relatedTables(link, alias, place.alias, statement);
  const exists = `EXISTS (SELECT FROM ${related.tables}${joins.join("")} WHERE ${related.condition} AND ${wanted})`;
  return operator === "some" ? exists : `(NOT ${exists})`;
}

/** What reads the records that a link leads to. */
export interface RelatedTables {
  readonly tables: string;
  readonly condition: string;
  /** The name of the table that has the link's far columns. */
  readonly linking: string;
}

/** The tables of a subquery over related records, and the condition that they are related. */
export function relatedTables(link: Link, alias: string, near: string, statement: Statement): RelatedTables {
  const { joinTable, far } = link;
  if (joinTable === undefined) {
    return { tables: `${far.table} ${alias}`, condition: matches(link, alias, near), linking: alias };
  }
  const between = statement.alias();
  const key = columnNames(far, far.model.primaryKey)
    .map((name) => `${alias}.${name}`)
    .join(", ");
  const tables = `${joinTable.table} ${between} JOIN ${far.table} ${alias} ON ${key} = ${between}.${joinTable.far}`;
  return { tables, condition: matches(link, between, near), linking: between };
}

/** Joins the single related record of a link. @param filter which ones count, as a filter on `far`. Default: all */
export function joinOne(link: Link, far: string, near: string, filter?: FilterSql): string {
  const { joins = "", condition = "TRUE" } = filter ?? {};
  const table = `${link.far.table} ${far}`;
  const counts = condition === "TRUE" ? "" : ` AND ${condition}`;
  return ` LEFT JOIN ${joins === "" ? table : `(${table}${joins})`} ON ${matches(link, far, near)}${counts}`;
}

/** That the far columns equal the near ones. */
export function matches({ nearColumns, farColumns }: Link, far: string, near: string): string {
  return farColumns.map((name, at) => `${far}.${name} = ${near}.${nearColumns[at] ?? ""}`).join(" AND ");
}

function areNull(alias: string, columns: readonly string[], test = "IS NULL"): string {
  return columns.map((name) => `${alias}.${name} ${test}`).join(" AND ");
}

function parenthesize(parts: readonly ((place: Place) => string)[], place: Place, separator: string): string {
  const [only] = parts;
  return parts.length === 1 && only !== undefined
    ? only(place)
    : `(${parts.map((part) => part(place)).join(separator)})`;
}

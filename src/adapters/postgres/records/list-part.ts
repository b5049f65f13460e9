import type { AppError } from "../../../kernel/app-error.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { WhereFilter } from "../../../core/access/access.ts";
import type { ListPart, ListPlace, OrderRelation, OrderTerm } from "../../../core/records/list-pages.ts";
import { damagedCursor, isNullableTerm } from "../../../core/records/list-pages.ts";
import type { Model } from "../../../core/records/model.ts";
import type { Statement } from "../filters/column-to-sql.ts";
import { createStatement } from "../filters/column-to-sql.ts";
import type { FilterPorts } from "../filters/filter-to-sql.ts";
import { filterToSql, joinOne, linkOf, relatedTables } from "../filters/filter-to-sql.ts";
import { relevanceSql } from "../filters/search-to-sql.ts";
import { requiredColumn } from "../sql/bulk-target.ts";
import { isDataException, valueError } from "./postgres-record-reader.ts";
import type { ColumnShape, TableShape } from "./table-shape.ts";

/** A term of the order in SQL. */
export interface SqlTerm {
  readonly column: string;
  readonly type: string;
  /** Its text, which PostgreSQL reads back as the same value. */
  readonly text: string;
  readonly isDescending: boolean;
  readonly areNullsFirst: boolean;
  readonly isNullable: boolean;
}

/** The tables that a list's records come from. */
export interface ListSource {
  /** The name of the model's table in the statement. */
  readonly alias: string;
  readonly tables: string;
  /** That the records are in the list at all, such as those that are related to another one. */
  readonly condition: string;
  /** Whether the condition leads to the records rather than the order does. Default: the planner chooses. */
  readonly isNarrow?: boolean;
}

/** All of a list. */
export type WholeList = Pick<ListPart, "terms" | "where">;

/** A SELECT that reads a part of a list, but for its columns. */
export interface PartSql {
  /** FROM and WHERE. */
  readonly from: string;
  /** The columns of the order, and the direction of each. */
  readonly order: readonly { readonly column: string; readonly direction: string }[];
  /** The placeholder of the most records; undefined for all. */
  readonly limit: string | undefined;
  /** The place of a row: an array of texts. */
  readonly place: string;
}

/** Translates a part of a list into SQL. */
export async function partToSql(
  ports: FilterPorts,
  model: Model,
  part: ListPart | WholeList,
  source: ListSource,
  statement: Statement,
): Promise<PartSql> {
  const { isBackward = false, after, before, limit }: Partial<ListPart> = part;
  const filter = await filterToSql(ports, model, part.where, source.alias, statement);
  const order = await orderToSql(ports, model, part.terms, source.alias, statement);
  const beyond = [
    ...(after === undefined ? [] : [beyondSql(order.terms, after, false, statement)]),
    ...(before === undefined ? [] : [beyondSql(order.terms, before, true, statement)]),
  ];
  const conditions = [source.condition, filter.condition, ...beyond].filter((each) => each !== "TRUE");
  const where = conditions.length === 0 ? "" : `\n WHERE ${conditions.join(" AND ")}`;
  return {
    from: `FROM ${source.tables}${filter.joins}${order.joins}${where}`,
    order: order.terms.map((term) => ({ column: term.column, direction: directionSql(term, isBackward) })),
    limit: limit === undefined ? undefined : `${statement.parameter(limit)}::int`,
    place: placeSql(order.terms),
  };
}

/** A SELECT of the number of all records of a list, as `total`. */
export async function countSql(
  ports: FilterPorts,
  model: Model,
  where: WhereFilter | undefined,
  { alias, tables, condition }: ListSource,
  statement: Statement,
): Promise<string> {
  const filter = await filterToSql(ports, model, where, alias, statement);
  return `SELECT count(*) AS total FROM ${tables}${filter.joins} WHERE ${condition} AND ${filter.condition}`;
}

/** The place of a row: an array of texts. */
export function placeSql(terms: readonly SqlTerm[]): string {
  return `ARRAY[${terms.map(({ text }) => text).join(", ")}]::text[]`;
}

/** ORDER BY and LIMIT. */
export function cutSql({ order, limit }: PartSql, columns = order.map(({ column }) => column)): string {
  const terms = order.map(({ direction }, at) => `${columns[at]} ${direction}`);
  const cut = limit === undefined ? "" : `\n LIMIT ${limit}`;
  return `${terms.length === 0 ? "" : `\n ORDER BY ${terms.join(", ")}`}${cut}`;
}

/** `DESC NULLS LAST` */
export function directionSql(
  { isDescending, areNullsFirst, isNullable }: SqlTerm,
  isReversed = false,
): string {
  const direction = isDescending === isReversed ? "ASC" : "DESC";
  // Left out where there are no nulls, so that an index serves.
  const nulls = isNullable ? ` NULLS ${areNullsFirst === isReversed ? "LAST" : "FIRST"}` : "";
  return `${direction}${nulls}`;
}

/** The terms, and the joins to the related records and numbers that they need. */
async function orderToSql(
  ports: FilterPorts,
  model: Model,
  terms: readonly OrderTerm[],
  alias: string,
  statement: Statement,
): Promise<{ readonly terms: readonly SqlTerm[]; readonly joins: string }> {
  const { models, shapes } = ports;
  const joined = new Map<string, JoinedTable>();
  const joins: string[] = [];
  const tableAt = async (relations: readonly OrderRelation[]): Promise<JoinedTable> => {
    const last = relations.at(-1);
    if (last === undefined) {
      return { alias, table: await shapes.of(model) };
    }
    const path = relations.map(({ name }) => name).join(".");
    const known = joined.get(path);
    if (known !== undefined) {
      return known;
    }
    const near = await tableAt(relations.slice(0, -1));
    const made = { alias: statement.alias(), table: await shapes.of(models.get(last.type)) };
    joined.set(path, made);
    const filter = await filterToSql(ports, made.table.model, last.where, made.alias, statement);
    joins.push(joinOne(linkOf(models, near.table, last, made.table), made.alias, near.alias, filter));
    return made;
  };
  const made: SqlTerm[] = [];
  for (const term of terms) {
    const at = await tableAt(term.relations);
    const computed = await computedNumber(ports, at, term, statement);
    if (computed !== undefined) {
      const number = statement.alias();
      joins.push(` CROSS JOIN LATERAL (${computed.sql}) AS ${number}`);
      made.push(columnTerm(term, number, { name: computed.column, type: computed.type }));
      continue;
    }
    made.push(columnTerm(term, at.alias, requiredColumn(at.table, term.column.name)));
  }
  return { terms: made, joins: joins.join("") };
}

/** The term for a column of the table that the statement calls so. */
export function columnTerm(
  term: OrderTerm,
  alias: string,
  { name, type }: Pick<ColumnShape, "name" | "type">,
): SqlTerm {
  const column = `${alias}.${name}`;
  // JSON has times in ISO 8601, whatever the session's DateStyle.
  const text = term.column.type === "DateTime" ? `to_jsonb(${column}) #>> '{}'` : `${column}::text`;
  const { isDescending, areNullsFirst } = term;
  return { column, type, text, isDescending, areNullsFirst, isNullable: isNullableTerm(term) };
}

/** A table under its name in the statement. */
interface JoinedTable {
  readonly alias: string;
  readonly table: TableShape;
}

/** A number that is computed for each record: how many related ones it has, or how well it matches a search. */
interface ComputedNumber {
  /** A subquery for LATERAL. */
  readonly sql: string;
  readonly column: string;
  readonly type: string;
}

async function computedNumber(
  ports: FilterPorts,
  at: JoinedTable,
  { counted, search }: OrderTerm,
  statement: Statement,
): Promise<ComputedNumber | undefined> {
  if (counted !== undefined) {
    return { sql: await countRelated(ports, at, counted, statement), column: "total", type: "bigint" };
  }
  if (search === undefined) {
    return undefined;
  }
  const tools = await ports.shapes.textTools();
  return { sql: relevanceSql(search, { ...at, tools, statement }), column: "relevance", type: "integer" };
}

async function countRelated(
  ports: FilterPorts,
  near: JoinedTable,
  counted: OrderRelation,
  statement: Statement,
): Promise<string> {
  const far = await ports.shapes.of(ports.models.get(counted.type));
  const alias = statement.alias();
  const related = relatedTables(linkOf(ports.models, near.table, counted, far), alias, near.alias, statement);
  return countSql(ports, far.model, counted.where, { alias, ...related }, statement);
}

/**
 * The records beyond a place: after it, or before it when `isBefore`. With terms a, b and key k: a beyond, or a equal and
 * b beyond, or a and b equal and k beyond (keyset pagination; see use-the-index-luke.com).
 */
export function beyondSql(
  terms: readonly SqlTerm[],
  place: ListPlace,
  isBefore: boolean,
  statement: Statement,
): string {
  const values = terms.map(({ type }, at) => {
    const text = place[at] ?? null;
    return text === null ? undefined : `${statement.parameter(text)}::text::${type}`;
  });
  const isGreater = terms[0]?.isDescending === isBefore;
  if (terms.every(({ isNullable, isDescending }) => !isNullable && isDescending === terms[0]?.isDescending)) {
    // An index on the terms serves the comparison of rows, however many records are equal in the first terms.
    return `(${terms.map(({ column }) => column).join(", ")}) ${isGreater ? ">" : "<"} (${values.join(", ")})`;
  }
  const branches = terms.flatMap((term, at) => {
    const beyond = beyondTerm(term, values[at], isBefore);
    const equal = terms.slice(0, at).map(({ column }, earlier) => {
      const value = values[earlier];
      return value === undefined ? `${column} IS NULL` : `${column} = ${value}`;
    });
    return beyond === undefined ? [] : [`(${[...equal, beyond].join(" AND ")})`];
  });
  // Implied by the branches. An index can serve it, but not the OR of the branches.
  const [first] = terms;
  const isBounded = first !== undefined && !first.isNullable && values[0] !== undefined;
  const bound = isBounded ? `${first.column} ${isGreater ? ">=" : "<="} ${values[0]} AND ` : "";
  return branches.length === 0 ? "FALSE" : `${bound}(${branches.join(" OR ")})`;
}

/** Undefined if nothing is beyond the value in this term. */
function beyondTerm(
  { column, isDescending, areNullsFirst, isNullable }: SqlTerm,
  value: string | undefined,
  isBefore: boolean,
): string | undefined {
  const areNullsBeyond = areNullsFirst === isBefore;
  if (value === undefined) {
    return areNullsBeyond ? undefined : `${column} IS NOT NULL`;
  }
  const beyond = `${column} ${isDescending === isBefore ? ">" : "<"} ${value}`;
  return areNullsBeyond && isNullable ? `(${beyond} OR ${column} IS NULL)` : beyond;
}

/** What to say about a value that the database cannot read: it is a cursor's of one of the parts, or else a filter's. */
export async function explainError(
  ports: FilterPorts & { readonly session: Pick<SqlSession, "query"> },
  parts: readonly (readonly [Model, ListPart])[],
  error: unknown,
): Promise<unknown> {
  if (!isDataException(error)) {
    return error;
  }
  for (const [model, { terms, after, before }] of parts) {
    const order = await orderToSql(ports, model, terms, "t", createStatement());
    const run: RunStatement = (text, values) => ports.session.query(text, values);
    const damaged = await findDamage(run, order.terms, { after, before });
    if (damaged !== undefined) {
      return damaged;
    }
  }
  return valueError(error);
}

type RunStatement = (text: string, values: readonly unknown[]) => Promise<unknown>;

/** What to say about a place whose texts are not values of the order's columns; undefined if there is none. */
export async function findDamage(
  run: RunStatement,
  terms: readonly SqlTerm[],
  places: Readonly<Record<string, ListPlace | undefined>>,
): Promise<AppError | undefined> {
  for (const [name, place] of Object.entries(places)) {
    const cause = place === undefined ? undefined : await placeFault(run, terms, place);
    if (cause !== undefined) {
      return damagedCursor(name, cause);
    }
  }
  return undefined;
}

/** Why the texts are not values of the order's columns; undefined if they are. */
async function placeFault(run: RunStatement, terms: readonly SqlTerm[], place: ListPlace): Promise<unknown> {
  const values = terms.map(({ type }, at) => `$${at + 1}::text::${type}`);
  const texts = terms.map((_term, at) => place[at] ?? null);
  try {
    await run(`SELECT ${values.join(", ")}`, texts);
    return undefined;
  } catch (cause) {
    return cause;
  }
}

import { AppError } from "../../../kernel/app-error.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type {
  ListedRecord,
  ListPages,
  ListPart,
  ListPlace,
  OrderTerm,
} from "../../../core/records/list-pages.ts";
import { isNullableTerm } from "../../../core/records/list-pages.ts";
import type { Model, RelationField } from "../../../core/records/model.ts";
import { relationsOf } from "../../../core/records/model.ts";
import type { Statement } from "../filters/column-to-sql.ts";
import { createStatement } from "../filters/column-to-sql.ts";
import type { FilterPorts } from "../filters/filter-to-sql.ts";
import { filterToSql, joinOne, linkOf, relatedTables } from "../filters/filter-to-sql.ts";
import { keyColumns, keyMatches, requiredColumn } from "../sql/bulk-target.ts";
import type { KeyRow } from "./record-ids.ts";
import { isDataException, valueError } from "./postgres-record-reader.ts";
import { idOfRow, keyList } from "./record-ids.ts";
import type { TableShape } from "./table-shape.ts";

interface ListPagesPorts extends FilterPorts {
  readonly session: SqlSession;
}

/** A term of the order in SQL. */
interface SqlTerm {
  readonly column: string;
  readonly type: string;
  /** Its text, which PostgreSQL reads back as the same value. */
  readonly text: string;
  readonly isDescending: boolean;
  readonly areNullsFirst: boolean;
  readonly isNullable: boolean;
}

type ListRow = KeyRow & { readonly place: ListPlace; readonly owner?: string };

/** Pages in the database's own order, with its own texts of the values: one statement for any number of lists. */
export function createPostgresListPages(ports: ListPagesPorts): ListPages {
  const { models, shapes, session } = ports;
  const run = async (
    model: Model,
    part: ListPart,
    text: string,
    values: readonly unknown[],
  ): Promise<readonly (ListedRecord & { readonly owner: string })[]> => {
    const rows = await session
      .query<ListRow>(text, values)
      .catch(async (error: unknown) => Promise.reject(await explainError(ports, model, part, error)));
    return rows.map((row) => ({ id: idOfRow(model, row), place: row.place, owner: row.owner ?? "" }));
  };
  return {
    async read(name, part) {
      const model = models.get(name);
      const { table } = await shapes.of(model);
      const statement = createStatement();
      const text = await listSql(ports, model, part, statement, { tables: `${table} t`, condition: "TRUE" });
      return run(model, part, text, statement.values);
    },
    async readRelated(name, relation, ids, part) {
      const near = models.get(name);
      const field = relationsOf(near).find((candidate) => candidate.name === relation) as RelationField;
      const model = models.get(field.type);
      const [owner, far] = await Promise.all([shapes.of(near), shapes.of(model)]);
      const statement = createStatement();
      const given = statement.parameter(ids);
      const source = relatedTables(linkOf(models, owner, field, far), "t", "owner", statement);
      // A nested loop over the owners: the rows of each come in the order of its list.
      const text = `
WITH target AS MATERIALIZED (SELECT id, ${keyColumns(owner)} FROM unnest(${given}::text[]) AS id)
SELECT target.id AS owner, page.* FROM target JOIN ${owner.table} owner ON ${keyMatches(owner, "owner", "target")}
 CROSS JOIN LATERAL (${await listSql(ports, model, part, statement, source)}) AS page`;
      const lists = new Map<string, ListedRecord[]>();
      for (const { owner: id, ...listed } of await run(model, part, text, statement.values)) {
        const list = lists.get(id) ?? [];
        lists.set(id, list);
        list.push(listed);
      }
      return lists;
    },
  };
}

/** The keys and places of a part of a list, as k0, k1 … and `place`. The model's table is `t`. */
async function listSql(
  ports: ListPagesPorts,
  model: Model,
  part: ListPart,
  statement: Statement,
  source: { readonly tables: string; readonly condition: string },
): Promise<string> {
  const { isBackward, after, before } = part;
  const filter = await filterToSql(ports, model, part.where, "t", statement);
  const order = await orderToSql(ports, model, part.terms, statement);
  const beyond = [
    ...(after === undefined ? [] : [beyondSql(order.terms, after, false, statement)]),
    ...(before === undefined ? [] : [beyondSql(order.terms, before, true, statement)]),
  ];
  const conditions = [source.condition, filter.condition, ...beyond].join(" AND ");
  const places = order.terms.map(({ text }) => text).join(", ");
  return `
SELECT ${keyList(model, "t")}, ARRAY[${places}] AS place
  FROM ${source.tables}${filter.joins}${order.joins}
 WHERE ${conditions}
 ORDER BY ${order.terms.map((term) => directionSql(term, isBackward)).join(", ")}
 LIMIT ${statement.parameter(part.limit)}::int`;
}

function directionSql(
  { column, isDescending, areNullsFirst, isNullable }: SqlTerm,
  isReversed: boolean,
): string {
  const direction = isDescending === isReversed ? "ASC" : "DESC";
  // Left out where there are no nulls, so that an index serves.
  const nulls = isNullable ? ` NULLS ${areNullsFirst === isReversed ? "LAST" : "FIRST"}` : "";
  return `${column} ${direction}${nulls}`;
}

/** The terms, and the joins to the related records that they need. */
async function orderToSql(
  { models, shapes }: FilterPorts,
  model: Model,
  terms: readonly OrderTerm[],
  statement: Statement,
): Promise<{ readonly terms: readonly SqlTerm[]; readonly joins: string }> {
  const joined = new Map<string, { readonly alias: string; readonly table: TableShape }>();
  const joins: string[] = [];
  const tableAt = async (
    relations: readonly RelationField[],
  ): Promise<{ alias: string; table: TableShape }> => {
    const last = relations.at(-1);
    if (last === undefined) {
      return { alias: "t", table: await shapes.of(model) };
    }
    const path = relations.map(({ name }) => name).join(".");
    const known = joined.get(path);
    if (known !== undefined) {
      return known;
    }
    const near = await tableAt(relations.slice(0, -1));
    const made = { alias: statement.alias(), table: await shapes.of(models.get(last.type)) };
    joined.set(path, made);
    joins.push(joinOne(linkOf(models, near.table, last, made.table), made.alias, near.alias));
    return made;
  };
  const made: SqlTerm[] = [];
  for (const term of terms) {
    const { alias, table } = await tableAt(term.relations);
    const { name, type } = requiredColumn(table, term.column.name);
    const column = `${alias}.${name}`;
    const { isDescending, areNullsFirst } = term;
    const isNullable = isNullableTerm(term);
    // JSON has times in ISO 8601, whatever the session's DateStyle.
    const text = term.column.type === "DateTime" ? `to_jsonb(${column}) #>> '{}'` : `${column}::text`;
    made.push({ column, type, text, isDescending, areNullsFirst, isNullable });
  }
  return { terms: made, joins: joins.join("") };
}

/**
 * The records beyond a place: after it, or before it when `isBefore`. With terms a, b and key k: a beyond, or a equal and
 * b beyond, or a and b equal and k beyond (keyset pagination; see use-the-index-luke.com).
 */
function beyondSql(
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

/** What to say about a value that the database cannot read: it is a cursor's, or else a filter's. */
async function explainError(
  ports: ListPagesPorts,
  model: Model,
  { terms, after, before }: ListPart,
  error: unknown,
): Promise<unknown> {
  if (!isDataException(error)) {
    return error;
  }
  const order = await orderToSql(ports, model, terms, createStatement());
  for (const [name, place = []] of Object.entries({ after, before })) {
    const values = order.terms.map(({ type }, at) => `$${at + 1}::text::${type}`);
    const texts = order.terms.map((_term, at) => place[at] ?? null);
    try {
      await ports.session.query(`SELECT ${values.join(", ")}`, texts);
    } catch (cause) {
      const message = `${name} is a damaged cursor. Take it from pageInfo or an edge of an earlier page.`;
      return new AppError("VALIDATION_FAILED", message, { details: { field: name }, cause });
    }
  }
  return valueError(error);
}

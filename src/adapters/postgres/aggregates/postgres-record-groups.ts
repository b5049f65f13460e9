import { foldFilter } from "../../../core/filters/fold-filter.ts";
import type { Aggregate } from "../../../core/records/aggregates.ts";
import { aggregatesOf, figuresModel } from "../../../core/records/aggregates.ts";
import type { Model } from "../../../core/records/model.ts";
import type { ListPlace } from "../../../core/records/list-pages.ts";
import type { Group, GroupReading, RecordGroups } from "../../../core/records/record-groups.ts";
import type { TextRows } from "../connection/text-rows.ts";
import type { Statement } from "../filters/column-to-sql.ts";
import { createStatement } from "../filters/column-to-sql.ts";
import { filterToSql } from "../filters/filter-to-sql.ts";
import type { SqlTerm } from "../records/list-part.ts";
import { beyondSql, columnTerm, findDamage, directionSql, placeSql } from "../records/list-part.ts";
import { isDataException, valueError } from "../records/postgres-record-reader.ts";
import { readAsText, valueOf } from "../records/read-values.ts";
import type { SelectionPorts } from "../records/selection-to-sql.ts";
import type { ColumnShape, TableShape } from "../records/table-shape.ts";
import type { GroupValue } from "./figure-to-sql.ts";
import { figureToSql, keyToSql } from "./figure-to-sql.ts";

interface RecordGroupsPorts extends SelectionPorts {
  readonly rows: TextRows;
}

/** Reads groups by one statement, which computes only what is asked for. */
export function createPostgresRecordGroups(ports: RecordGroupsPorts): RecordGroups {
  return {
    async read(name, reading, signal) {
      const statement = createStatement();
      const { text, terms, decode } = await groupStatement(ports, ports.models.get(name), reading, statement);
      const rows = await ports.rows
        .read(text, statement.values, signal)
        .catch(async (error: unknown) => Promise.reject(await explain(ports, terms, reading, error)));
      return rows.map(decode);
    },
  };
}

/** What to say about a value that the database cannot read: it is the cursor's, or else a filter's. */
async function explain(
  { rows }: RecordGroupsPorts,
  terms: readonly SqlTerm[],
  { after }: GroupReading,
  error: unknown,
): Promise<unknown> {
  if (!isDataException(error)) {
    return error;
  }
  const run = (text: string, values: readonly unknown[]): Promise<unknown> => rows.read(text, values);
  return (await findDamage(run, terms, { after })) ?? valueError(error);
}

/** A statement that reads groups, and how its rows become the groups. */
interface GroupStatement {
  readonly text: string;
  readonly terms: readonly SqlTerm[];
  decode(row: readonly unknown[]): Group;
}

/** The groups are made inside, so that conditions and orders can name their values. */
async function groupStatement(
  ports: SelectionPorts,
  model: Model,
  reading: GroupReading,
  statement: Statement,
): Promise<GroupStatement> {
  const table = await ports.shapes.of(model);
  const alias = statement.alias();
  const filter = await filterToSql(ports, model, reading.where, alias, statement);
  const columns = columnsOfGroups(table, alias, reading, usedAggregates(ports, model, reading), statement);
  const shapes = [...columns].map(([, { shape }], at): ColumnShape => ({ ...shape, name: `v${at}` }));
  const byName = new Map(shapes.map((shape) => [shape.field.name, shape]));
  const terms = reading.terms.map((term) => columnTerm(term, "g", requiredShape(byName, term.column.name)));
  const having = await havingToSql(ports, model, reading, byName, statement);
  const beyond = reading.after === undefined ? "TRUE" : beyondSql(terms, reading.after, false, statement);
  const conditions = [having, beyond].filter((condition) => condition !== "TRUE");
  const listed = [...columns.values()].map(({ sql }, at) => `${sql} AS v${at}`);
  const groups =
    reading.keys.length === 0 ? "" : `\n GROUP BY ${reading.keys.map((_key, at) => at + 1).join(", ")}`;
  const readings = shapes.map((shape) => readAsText(shape, `g.${shape.name}`, ports.toDecimal));
  const read = [
    ...readings.map(({ sql }) => sql),
    ...(reading.hasPlaces === true ? [`to_json(${placeSql(terms)})`] : []),
  ];
  return {
    text: `SELECT ${read.join(", ")} FROM (
SELECT ${listed.join(", ")} FROM ${table.table} ${alias}${filter.joins} WHERE ${filter.condition}${groups}) AS g${conditions.length === 0 ? "" : `\n WHERE ${conditions.join(" AND ")}`}${orderSql(terms)}
 LIMIT ${statement.parameter(reading.limit)}::int`,
    terms,
    decode(row) {
      const values = Object.fromEntries(
        shapes.map(({ field }, at) => [
          field.name,
          valueOf(readings[at] as (typeof readings)[number], row[at]),
        ]),
      );
      return reading.hasPlaces === true
        ? { values, place: JSON.parse(row[shapes.length] as string) as ListPlace }
        : { values };
    },
  };
}

function requiredShape(shapes: TableShape["columns"], name: string): ColumnShape {
  const shape = shapes.get(name);
  if (shape === undefined) {
    throw new TypeError(`groups are ordered by ${name}, which is neither a key nor a figure of theirs`);
  }
  return shape;
}

function orderSql(terms: readonly SqlTerm[]): string {
  const listed = terms.map((term) => `${term.column} ${directionSql(term)}`);
  return listed.length === 0 ? "" : `\n ORDER BY ${listed.join(", ")}`;
}

/** The values of a group by their fields' names: first the keys. */
function columnsOfGroups(
  table: TableShape,
  alias: string,
  { keys, timeZone }: GroupReading,
  aggregates: readonly Aggregate[],
  statement: Statement,
): ReadonlyMap<string, GroupValue> {
  const keyColumns = keys.map(
    (key) => [key.field.name, keyToSql(table, alias, key, timeZone, statement)] as const,
  );
  const figures = aggregates.map((each) => [each.field.name, figureToSql(table, alias, each)] as const);
  return new Map([...keyColumns, ...figures]);
}

/** What is asked for, and what conditions and orders need. */
function usedAggregates(
  { models }: SelectionPorts,
  model: Model,
  { aggregates, having = {}, terms }: GroupReading,
): readonly Aggregate[] {
  const used = new Set(aggregates.map(({ field }) => field.name));
  terms.forEach(({ column }) => used.add(column.name));
  foldFilter<void>(models, figuresModel(model), having, {
    filter: () => undefined,
    logic: () => undefined,
    search: () => undefined,
    column: ({ name }) => void used.add(name),
    relation: () => undefined,
  });
  return aggregatesOf(model).filter(({ field }) => used.has(field.name));
}

async function havingToSql(
  ports: SelectionPorts,
  model: Model,
  { having }: GroupReading,
  columns: TableShape["columns"],
  statement: Statement,
): Promise<string> {
  const figures = figuresModel(model);
  const shape: TableShape = {
    model: figures,
    table: "g",
    key: [],
    columns,
    joinTables: new Map(),
    isGuardedInStatement: false,
    isChangedByDatabase: false,
    hasOld: false,
    indexes: [],
  };
  const shapes = { ...ports.shapes, of: () => Promise.resolve(shape) };
  const { condition } = await filterToSql({ ...ports, shapes }, figures, having, "g", statement);
  return condition;
}

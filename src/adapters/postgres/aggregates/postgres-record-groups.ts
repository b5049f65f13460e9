import { foldFilter } from "../../../core/filters/fold-filter.ts";
import type { Aggregate } from "../../../core/records/aggregates.ts";
import { aggregatesOf, figuresModel } from "../../../core/records/aggregates.ts";
import type { Model } from "../../../core/records/model.ts";
import type { GroupReading, GroupValues, RecordGroups } from "../../../core/records/record-groups.ts";
import type { TextRows } from "../connection/text-rows.ts";
import type { Statement } from "../filters/column-to-sql.ts";
import { createStatement } from "../filters/column-to-sql.ts";
import { filterToSql } from "../filters/filter-to-sql.ts";
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
      const { text, decode } = await groupStatement(ports, ports.models.get(name), reading, statement);
      const rows = await ports.rows
        .read(text, statement.values, signal)
        .catch((error: unknown) => Promise.reject(isDataException(error) ? valueError(error) : error));
      return rows.map(decode);
    },
  };
}

/** The groups are made inside, so that conditions and orders can name their values. */
async function groupStatement(
  ports: SelectionPorts,
  model: Model,
  reading: GroupReading,
  statement: Statement,
): Promise<{ readonly text: string; decode(row: readonly unknown[]): GroupValues }> {
  const table = await ports.shapes.of(model);
  const alias = statement.alias();
  const filter = await filterToSql(ports, model, reading.where, alias, statement);
  const columns = columnsOfGroups(table, alias, reading, usedAggregates(ports, model, reading), statement);
  const shapes = [...columns].map(([, { shape }], at): ColumnShape => ({ ...shape, name: `v${at}` }));
  const byName = new Map(shapes.map((shape) => [shape.field.name, shape]));
  const having = await havingToSql(ports, model, reading, byName, statement);
  const listed = [...columns.values()].map(({ sql }, at) => `${sql} AS v${at}`);
  const groups =
    reading.keys.length === 0 ? "" : `\n GROUP BY ${reading.keys.map((_key, at) => at + 1).join(", ")}`;
  const readings = shapes.map((shape) => readAsText(shape, `g.${shape.name}`, ports.toDecimal));
  return {
    text: `SELECT ${readings.map(({ sql }) => sql).join(", ")} FROM (
SELECT ${listed.join(", ")} FROM ${table.table} ${alias}${filter.joins} WHERE ${filter.condition}${groups}) AS g${having}${orderToSql(reading, byName)}
 LIMIT ${statement.parameter(reading.limit)}::int`,
    decode: (row) =>
      Object.fromEntries(
        shapes.map(({ field }, at) => [
          field.name,
          valueOf(readings[at] as (typeof readings)[number], row[at]),
        ]),
      ),
  };
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
  { aggregates, having = {}, order }: GroupReading,
): readonly Aggregate[] {
  const used = new Set(aggregates.map(({ field }) => field.name));
  order.forEach(({ by }) => used.add(by.field.name));
  foldFilter<void>(models, figuresModel(model), having, {
    filter: () => undefined,
    logic: () => undefined,
    column: ({ name }) => void used.add(name),
    relation: () => undefined,
  });
  return aggregatesOf(model).filter(({ field }) => used.has(field.name));
}

async function havingToSql(
  { models }: SelectionPorts,
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
    indexes: [],
  };
  const shapes = { of: () => Promise.resolve(shape) };
  const { condition } = await filterToSql({ models, shapes }, figures, having, "g", statement);
  return condition === "TRUE" ? "" : `\n WHERE ${condition}`;
}

function orderToSql({ keys, order }: GroupReading, columns: TableShape["columns"]): string {
  const nameOf = (field: string): string => `g.${columns.get(field)?.name ?? ""}`;
  const asked = order.map(({ by, isDescending, areNullsFirst }) => {
    const direction = isDescending ? "DESC" : "ASC";
    return `${nameOf(by.field.name)} ${direction} NULLS ${areNullsFirst ? "FIRST" : "LAST"}`;
  });
  const terms = [...asked, ...keys.map(({ field }) => nameOf(field.name))];
  return terms.length === 0 ? "" : `\n ORDER BY ${terms.join(", ")}`;
}

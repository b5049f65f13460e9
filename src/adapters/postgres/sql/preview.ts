import { MAX_PREVIEW_RECORDS, MAX_PREVIEW_VALUES } from "../../../core/bulk/preview.ts";
import type { Aggregate } from "../../../core/records/aggregates.ts";
import type { ColumnField, RelationField } from "../../../core/records/model.ts";
import { figureToSql } from "../aggregates/figure-to-sql.ts";
import { readInJson } from "../records/read-values.ts";
import type { ColumnShape, TableShape } from "../records/table-shape.ts";
import type { FilterSql } from "../filters/filter-to-sql.ts";
import { KEPT_TABLE, keyColumns, keyMatches, requiredColumn, sameKey } from "./bulk-target.ts";

/** The records of a dry run as they were. Gone with the transaction. */
const BEFORE = "pg_temp.powercrud_before";

/** A field whose values a preview shows: a column, or a relation over a join table. */
export type PreviewedField = ColumnField | RelationField;

/** What the statements of a preview need. */
export interface PreviewTables {
  readonly table: TableShape;
  /** The fields that are compared, and summed up. */
  readonly compared: readonly PreviewedField[];
  /** What the viewer may read of the table `t`. */
  readonly readable: FilterSql;
}

/** The places of a task's records in its selection, from 1 on. $1 task. */
const PLACED_CHUNKS = `(
  SELECT ids, fields, sum(cardinality(ids)) OVER (ORDER BY number) - cardinality(ids) AS start
    FROM powercrud.chunk WHERE task_id = $1::uuid AND number > 0
)`;

/** $1 task. The number of its records. */
export const COUNT_PLACES = `
SELECT coalesce(sum(cardinality(ids)), 0)::integer AS total FROM powercrud.chunk WHERE task_id = $1::uuid AND number > 0`;

/**
 * Keeps the records that are named by their ids as they are now, in a temporary table. $1 task; then the filter's parameters.
 * @param every null: all of them. Otherwise one in so many, spread over the selection
 */
export function keepBeforeSql({ table, compared, readable }: PreviewTables, every: number | null): string {
  const some = every === null ? "" : ` AND (start + at - 1)::bigint % ${every} = 0`;
  return `
CREATE TEMPORARY TABLE powercrud_before ON COMMIT DROP AS
WITH target AS MATERIALIZED (
  SELECT (start + at)::bigint AS place, ${keyColumns(table)}
    FROM ${PLACED_CHUNKS} AS c, unnest(c.ids) WITH ORDINALITY AS u(id, at)
   WHERE NOT EXISTS (SELECT FROM unnest(c.fields) AS field WHERE field LIKE 'key:%')${some}
)
SELECT target.place, ${keptColumns(table, compared)}
  FROM target JOIN ${table.table} t ON ${keyMatches(table, "t", "target")}${readable.joins}
 WHERE ${readable.condition}`;
}

/** Keeps records that were found by a key, before they are written. $1 ids; then the filter's parameters. */
export function keepFoundSql({ table, compared, readable }: PreviewTables): string {
  return `
INSERT INTO ${BEFORE}
SELECT 0, ${keptColumns(table, compared)}
  FROM (SELECT ${keyColumns(table)} FROM unnest($1::text[]) AS id) AS target
  JOIN ${table.table} t ON ${keyMatches(table, "t", "target")}${readable.joins}
 WHERE ${readable.condition} AND NOT EXISTS (SELECT FROM ${BEFORE} b WHERE ${sameKey(table, "b", "target")})`;
}

function keptColumns(table: TableShape, compared: readonly PreviewedField[]): string {
  const keys = table.key.map((_column, at) => `target.k${at}`);
  const values = compared.map((field, at) => `${valueSql(table, "t", field)} AS b${at}`);
  return [...keys, ...values].join(", ");
}

/** A field's value in a row of the table; of a relation, the keys of the linked records in order. */
function valueSql(table: TableShape, alias: string, field: PreviewedField): string {
  if (field.kind !== "relation") {
    return `${alias}.${requiredColumn(table, field.name).name}`;
  }
  const join = table.joinTables.get(field.name);
  const [key] = table.key;
  if (join === undefined || key === undefined) {
    throw new TypeError(
      `${table.model.name} has no links ${field.name}; the change should have been checked`,
    );
  }
  return `ARRAY(SELECT j.${join.far.name} FROM ${join.table} j WHERE j.${join.near.name} = ${alias}.${key.name} ORDER BY 1)::text[]`;
}

/** Where the written records are found after the run: the writes have kept them, or the chunks name them. */
export type PairedBy = "WRITE" | "CHUNK";

/** Makes the table in which writes keep records; see keepSql. */
export function keptTableSql({ table, compared }: PreviewTables): string {
  const keys = table.key.map(({ name }, at) => `t.${name} AS k${at}`);
  const values = compared.flatMap((field, at) => {
    const value = valueSql(table, "t", field);
    return [`${value} AS b${at}`, `${value} AS a${at}`];
  });
  return `CREATE TEMPORARY TABLE powercrud_kept ON COMMIT DROP AS SELECT ${[...keys, ...values].join(", ")} FROM ${table.table} t WITH NO DATA`;
}

/** The records and how they are summed up, as one JSON text. */
export interface PreviewSql extends PreviewTables {
  readonly pairedBy: PairedBy;
  /** Whether all records are new. */
  readonly isNew: boolean;
  /** The columns that are shown of a new record; empty where none can be new. */
  readonly shown: readonly ColumnField[];
  /** The figures of each compared field, in its order; null: left out. */
  readonly figures: readonly (readonly Aggregate[] | null)[];
}

/**
 * The summary of each compared field, and a sample of the records, those that would change first. $1 task, $2 the number of its
 * records; then the filter's parameters. One row: `fields` and `records`.
 */
export function previewSql(preview: PreviewSql): string {
  const { table, compared } = preview;
  const groups = compared.map((field, at) => groupsSql(table, field, at));
  const changes = compared.map((_field, at) => `d${at}`).join(" OR ") || "false";
  const summaries = compared.map((_field, at) => summarySql(preview, at));
  const cells = recordCells(preview);
  // One table is read again and again at less cost than a copy of it, and without its places, where they are not needed.
  const rows =
    preview.pairedBy === "WRITE"
      ? `pair AS NOT MATERIALIZED (${keptSql(preview)}
), placed AS NOT MATERIALIZED (SELECT row_number() OVER () AS place, pair.* FROM pair)`
      : `pair AS MATERIALIZED (${pairSql(preview)}
), placed AS NOT MATERIALIZED (SELECT * FROM pair)`;
  // Few records are picked: LIMIT has the planner look them up one by one.
  const whole =
    preview.shown.length === 0
      ? ""
      : `
          LEFT JOIN LATERAL (SELECT * FROM ${table.table} t WHERE ${keyMatches(table, "t", "pair")} LIMIT 1) AS t ON true`;
  return `
WITH ${rows}, ${[...groups, ...totalsSql(preview)].map((part) => `${part}, `).join("")}picked AS MATERIALIZED (
  SELECT coalesce(min(place) FILTER (WHERE ${changes}), min(place)) AS place
    FROM placed GROUP BY (place - 1) * ${MAX_PREVIEW_RECORDS} / greatest($2::bigint, 1)
)
SELECT ${jsonList(summaries)} AS fields,
       coalesce((SELECT json_agg(${cells}::json ORDER BY pair.place)
          FROM (SELECT * FROM placed WHERE place IN (SELECT place FROM picked)) AS pair${whole}), '[]')::text AS records`;
}

/** The same from where the writes have kept them. */
function keptSql({ table, compared, isNew }: PreviewSql): string {
  const columns = compared.flatMap((field, at) => {
    const [was, is] = [`b${at}`, `a${at}`].map((name) => comparedSql(table, field, name));
    return [`b${at}`, `a${at}`, `${was ?? ""} IS DISTINCT FROM ${is ?? ""} AS d${at}`];
  });
  const keys = table.key.map((_column, at) => `k${at}`);
  return `SELECT ${[...keys, `${!isNew} AS existed`, ...columns].join(", ")} FROM ${KEPT_TABLE} WHERE $1::uuid IS NOT NULL`;
}

/** The records as they were (`b0` …) and are (`a0` …), and whether that differs (`d0` …). */
function pairSql({ table, compared, readable }: PreviewSql): string {
  const keys = table.key.map((_column, at) => `target.k${at}`);
  const values = compared.flatMap((field, at) => {
    const after = valueSql(table, "t", field);
    // A new record had no links; other values of it were null.
    const before = field.kind === "relation" ? `coalesce(b.b${at}, '{}')` : `b.b${at}`;
    const [was, is] = [before, after].map((sql) => comparedSql(table, field, sql));
    return [`b.b${at}`, `${after} AS a${at}`, `${was ?? ""} IS DISTINCT FROM ${is ?? ""} AS d${at}`];
  });
  const listed = (place: string): string =>
    [`${place} AS place`, ...keys, "b.k0 IS NOT NULL AS existed", ...values].join(", ");
  return `
  WITH written AS MATERIALIZED (
    SELECT (start + at)::bigint AS place, id FROM ${PLACED_CHUNKS} AS c, unnest(c.ids) WITH ORDINALITY AS u(id, at)
     WHERE id NOT IN (SELECT record_id FROM powercrud.task_error WHERE task_id = $1::uuid AND record_id IS NOT NULL)
  ), target AS MATERIALIZED (SELECT place, ${keyColumns(table)} FROM written)
  SELECT ${listed("target.place")}
    FROM target JOIN ${table.table} t ON ${keyMatches(table, "t", "target")}
    LEFT JOIN ${BEFORE} b ON ${sameKey(table, "b", "target")}${readable.joins} WHERE ${readable.condition}`;
}

/** $1 task. The kept records that are gone, as rows of {@link previewSql}; for deletes. */
export function deletedSql({ table, compared }: PreviewTables): string {
  const pair = `SELECT b.*, true AS existed FROM ${BEFORE} b
    WHERE NOT EXISTS (SELECT FROM ${table.table} t WHERE ${keyMatches(table, "t", "b")})`;
  const before = compared.map((field, at) => cellSql(table, field, `pair.b${at}`));
  return `
SELECT coalesce(json_agg((${listText([placeCell(table), jsonList(before), "'null'"])})::json ORDER BY pair.place), '[]')::text AS records
  FROM (${pair}) AS pair`;
}

/** $1 ids; then the filter's parameters. The records as they are, each with its id: those that would fail. */
export function presentSql({ table, compared, readable }: PreviewTables): string {
  const values = compared.map((field) => cellSql(table, field, valueSql(table, "t", field)));
  return `
SELECT target.id, ${jsonList(values)} AS before
  FROM (SELECT id, ${keyColumns(table)} FROM unnest($1::text[]) AS id) AS target
  JOIN ${table.table} t ON ${keyMatches(table, "t", "target")}${readable.joins}
 WHERE ${readable.condition}`;
}

/** A record's place and key, its values before, and those after: of a new one all that are shown. */
function recordCells({ table, compared, shown }: PreviewSql): string {
  const before = compared.map((field, at) => cellSql(table, field, `pair.b${at}`));
  const after = compared.map((field, at) => cellSql(table, field, `pair.a${at}`));
  const created = shown.map((field) => cellSql(table, field, `t.${requiredColumn(table, field.name).name}`));
  return `(${listText([
    placeCell(table),
    `CASE WHEN pair.existed THEN ${jsonList(before)} ELSE 'null' END`,
    `CASE WHEN pair.existed THEN ${jsonList(after)} ELSE ${jsonList([...created, ...linkCells(table, compared)])} END`,
  ])})`;
}

function linkCells(table: TableShape, compared: readonly PreviewedField[]): readonly string[] {
  return compared.flatMap((field, at) =>
    field.kind === "relation" ? [cellSql(table, field, `pair.a${at}`)] : [],
  );
}

function placeCell(table: TableShape): string {
  const keys = table.key.map((shape, at) => keyPartSql(shape, `pair.k${at}`));
  return jsonList(["pair.place::text", ...keys.map((key) => `coalesce(to_json(${key})::text, 'null')`)]);
}

/** A part of the key in JSON; times as record-ids reads them. */
function keyPartSql(shape: ColumnShape, column: string): string {
  return shape.field.type === "DateTime"
    ? `round(extract(epoch FROM ${column}) * 1000)::float8`
    : readInJson(shape, column, String).sql;
}

/** The records by the values that a field gets, without those that keep theirs. */
function groupsSql(table: TableShape, field: PreviewedField, at: number): string {
  return `g${at} AS MATERIALIZED (
  SELECT ${comparedSql(table, field, `a${at}`)} AS v, count(*) AS n FROM pair WHERE d${at} GROUP BY 1
)`;
}

function summarySql({ table, compared, figures }: PreviewSql, at: number): string {
  const field = compared[at] as PreviewedField;
  const value = cellSql(table, field, restoredSql(table, field, "top.v"));
  const top = `(SELECT coalesce(json_agg(json_build_array((${value})::json, top.n) ORDER BY top.n DESC, top.v), '[]')::text
     FROM (SELECT v, n FROM g${at} ORDER BY n DESC, v LIMIT ${MAX_PREVIEW_VALUES}) AS top)`;
  const counts = `(SELECT json_build_array(coalesce(sum(n), 0), count(*))::text FROM g${at})`;
  const sides = ["b", "a"].map((side) =>
    figures[at] == null ? "'null'" : `(SELECT s${side}${at} FROM totals)`,
  );
  return `(${listText([counts, top, ...sides])})`;
}

/** The figures of all fields, before (`sb0` …) and after (`sa0` …), in one pass. */
function totalsSql({ table, figures }: PreviewSql): readonly string[] {
  const columns = figures.flatMap((own, at) =>
    own === null
      ? []
      : ["b", "a"].map((side) => `${figuresSql(table, own, `${side}${at}`)} AS s${side}${at}`),
  );
  return columns.length === 0 ? [] : [`totals AS MATERIALIZED (SELECT ${columns.join(", ")} FROM pair)`];
}

function figuresSql(table: TableShape, figures: readonly Aggregate[], name: string): string {
  const cells = figures.map((figure) => {
    const { sql, shape } = figureToSql(renamed(table, figure, name), "pair", figure);
    return `coalesce(to_json(${readInJson({ ...shape, name }, sql, String).sql})::text, 'null')`;
  });
  return listText(cells);
}

/** The table as a figure sees it whose column is called otherwise. */
function renamed(table: TableShape, { column }: Aggregate, name: string): TableShape {
  const field = column?.name ?? "";
  return { ...table, columns: new Map([[field, { ...requiredColumn(table, field), name }]]) };
}

/** Types whose values the database cannot compare, or takes for equal although they differ. */
function isOdd({ nativeType }: ColumnShape): boolean {
  return /^(?:json(?!b)|xml|citext)|nondeterministic/.test(nativeType);
}

function comparedSql(table: TableShape, field: PreviewedField, sql: string): string {
  return field.kind !== "relation" && isOdd(requiredColumn(table, field.name))
    ? `(${sql})::text COLLATE "C"`
    : sql;
}

/** The value that {@link comparedSql} was made of. */
function restoredSql(table: TableShape, field: PreviewedField, sql: string): string {
  const shape = field.kind === "relation" ? undefined : requiredColumn(table, field.name);
  return shape !== undefined && isOdd(shape) ? `(${sql})::${shape.type}` : sql;
}

/** The most bytes of a value's text that are kept, and the characters that are kept of a longer one. */
const MAX_BYTES = 8_000;
const CUT_CHARACTERS = 1_000;

/** A value as a text with a JSON array: alone, or the beginning of its text and true. */
function cellSql(table: TableShape, field: PreviewedField, sql: string): string {
  const json =
    field.kind === "relation" ? sql : readInJson(requiredColumn(table, field.name), sql, String).sql;
  return `(CASE WHEN octet_length((${json})::text) > ${MAX_BYTES}
    THEN json_build_array(left((${json})::text, ${CUT_CHARACTERS}) || '…', true) ELSE json_build_array(${json}) END)::text`;
}

/** A JSON array of texts with JSON. PostgreSQL's own functions take 100 arguments at most. */
function jsonList(texts: readonly string[]): string {
  return `(${listText(texts)})`;
}

function listText(texts: readonly string[]): string {
  return texts.length === 0 ? "'[]'" : `'[' || ${texts.join(" || ',' || ")} || ']'`;
}

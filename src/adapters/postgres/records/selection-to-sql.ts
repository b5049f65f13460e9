import type { ListPart, ListPlace, OrderTerm } from "../../../core/records/list-pages.ts";
import type { Model } from "../../../core/records/model.ts";
import type {
  ListReading,
  LoadedList,
  LoadedRecord,
  SelectedList,
  SelectedOne,
  SelectedPage,
  Selection,
} from "../../../core/records/record-lists.ts";
import { searchIn } from "../../../core/filters/search-filter.ts";
import type { GroupValues } from "../../../core/records/record-groups.ts";
import { figureToSql } from "../aggregates/figure-to-sql.ts";
import type { Statement } from "../filters/column-to-sql.ts";
import type { FilterPorts, Link } from "../filters/filter-to-sql.ts";
import { filterToSql, linkOf, relatedTables } from "../filters/filter-to-sql.ts";
import { castText, requiredColumn } from "../sql/bulk-target.ts";
import type { ListSource, PartSql } from "./list-part.ts";
import { countSql, cutSql, partToSql } from "./list-part.ts";
import type { ToDecimal } from "./read-values.ts";
import { readAsText, readInJson, valueOf } from "./read-values.ts";
import type { TableShape } from "./table-shape.ts";

/** What translating a selection needs. */
export interface SelectionPorts extends FilterPorts {
  readonly toDecimal: ToDecimal;
}

/** The statement that reads a list, and how its rows become the list. */
export interface ListStatement {
  readonly text: string;
  /** The first ones, as many as the page's key has fields, are given when it is executed. */
  readonly values: readonly unknown[];
  /** The parts of lists that it reads, with their models: the root's first. */
  readonly parts: readonly (readonly [Model, ListPart])[];
  /** @param rows the texts of each row's values */
  decode(rows: readonly (readonly unknown[])[]): LoadedList;
}

/** PostgreSQL takes 100 arguments in a call. */
const MAX_ARGUMENTS = 100;
/** PostgreSQL takes 1,664 columns in a SELECT; beyond this many, the values of a row are sent as one JSON text. */
const MAX_COLUMNS = 1_500;

/**
 * Translates a reading into one statement. Related records are joined by LATERAL, each list with its own LIMIT, and come
 * as JSON; the values of the list's own records, and of the single records that hang on them, are columns.
 * The text depends only on the shape of the reading: values, cursors and limits are parameters.
 */
export async function listStatement(
  ports: SelectionPorts,
  model: Model,
  reading: ListReading,
  statement: Statement,
): Promise<ListStatement> {
  const builder = new StatementBuilder(ports, statement);
  const shape = await ports.shapes.of(model);
  const { page, count } = reading;
  const key = (page?.key ?? []).map((field) => [field, statement.parameter(undefined)] as const);
  const source = (): ListSource => {
    const alias = statement.alias();
    const conditions = key.map(([field, parameter]) => {
      const column = requiredColumn(shape, field.name);
      return `${alias}.${column.name} = ${castText(column, `${parameter}::text`)}`;
    });
    return { alias, tables: `${shape.table} ${alias}`, condition: conditions.join(" AND ") || "TRUE" };
  };
  const counted =
    count === undefined ? undefined : await countSql(ports, model, count.where, source(), statement);
  const rows = page === undefined ? undefined : await builder.rows(model, page, source(), "TEXT");
  const { values, parts } = { values: statement.values, parts: builder.parts };
  if (rows === undefined) {
    return {
      text: counted ?? "SELECT 0",
      values,
      parts,
      decode: ([row]) => ({ ...NO_ROWS, total: Number(row?.[0] ?? 0) }),
    };
  }
  if (counted === undefined) {
    return { text: rows.text, values, parts, decode: (read) => rows.decode(read, 0) };
  }
  return {
    // An empty page has its count, too: in a row without a mark.
    text: `SELECT page.*, counted.total FROM (${counted}) AS counted LEFT JOIN (SELECT TRUE AS mark, listed.* FROM (${rows.text}) AS listed) AS page ON TRUE`,
    values,
    parts,
    decode(read) {
      const total = Number(read[0]?.at(-1) ?? 0);
      const found = read.filter(([mark]) => mark !== null).map((row) => row.slice(1));
      return rows.decode(found, total);
    },
  };
}

/** How values are sent: as columns of the statement, or within a JSON text. */
type Form = "TEXT" | "JSON";

/** The values of a row, under construction. */
interface RowSql {
  readonly form: Form;
  /** Each value in SQL. */
  readonly values: string[];
  /** LATERAL joins that the values need, in order. */
  readonly joins: string[];
}

/** Puts what one selection reads into a record. */
type Fill = (record: Record<string, unknown>, row: readonly unknown[]) => void;

/** The rows of a list, and how they become its records. */
interface RowsSql {
  readonly text: string;
  decode(rows: readonly (readonly unknown[])[], total: number): LoadedList;
}

class StatementBuilder {
  readonly parts: (readonly [Model, ListPart])[] = [];
  readonly #ports: SelectionPorts;
  readonly #statement: Statement;

  constructor(ports: SelectionPorts, statement: Statement) {
    this.#ports = ports;
    this.#statement = statement;
  }

  /** A SELECT of a page's rows: first the page is cut, then what hangs on its records is joined. */
  async rows(
    model: Model,
    { part, hasPlaces, selection }: SelectedPage,
    source: ListSource,
    form: Form,
  ): Promise<RowsSql> {
    this.parts.push([model, part]);
    const table = await this.#ports.shapes.of(model);
    const partSql = await partToSql(this.#ports, model, part, source, this.#statement);
    const cut = this.#statement.alias();
    const row: RowSql = { form: isWide(selection) ? "JSON" : form, values: [], joins: [] };
    const used = new Set<string>();
    const fill = await this.#select(table, cut, selection, row, used);
    const placeColumn = freeName(used, "place");
    if (hasPlaces) {
      row.values.push(row.form === "TEXT" ? `to_json(${cut}.${placeColumn})` : `${cut}.${placeColumn}`);
    }
    const columns = [
      ...[...used].map((name) => `${source.alias}.${name}`),
      ...(hasPlaces ? [`${partSql.place} AS ${placeColumn}`] : []),
    ];
    const isFoundFirst = source.isNarrow === true || searchIn(part.where) !== undefined;
    const page = pageSql(partSql, columns, isFoundFirst ? freeName(used, "term") : undefined);
    const from = `FROM (${page}) AS ${cut}${row.joins.join("")}`;
    const isWhole = row.form === "JSON";
    const listed = isWhole
      ? [`${jsonArray(row.values)} AS v0`]
      : row.values.map((sql, at) => `${sql} AS v${at}`);
    const recordOf = recordMaker(fill);
    const placeAt = row.values.length - 1;
    const isText = form === "TEXT";
    return {
      text: `SELECT ${listed.join(", ")} ${from}`,
      decode(rows, total) {
        const read = isText && isWhole ? rows.map(([json]) => parseJson(json) as readonly unknown[]) : rows;
        const flat = isWhole && row.values.length > MAX_ARGUMENTS ? read.map((parts) => parts.flat(1)) : read;
        const placeOf = (cells: readonly unknown[]): ListPlace =>
          (isText && !isWhole ? parseJson(cells[placeAt]) : cells[placeAt]) as ListPlace;
        return { part, records: flat.map(recordOf), places: hasPlaces ? flat.map(placeOf) : [], total };
      },
    };
  }

  /**
   * Adds the values of a selection from a row of its table.
   * @param used collects the columns that are read, where the row has only those
   */
  async #select(
    table: TableShape,
    alias: string,
    selection: Selection,
    row: RowSql,
    used?: Set<string>,
  ): Promise<Fill> {
    const fills: Fill[] = [];
    for (const { name } of selection.columns) {
      const shape = requiredColumn(table, name);
      used?.add(shape.name);
      const read = row.form === "TEXT" ? readAsText : readInJson;
      const reading = read(shape, `${alias}.${shape.name}`, this.#ports.toDecimal);
      const at = row.values.push(reading.sql) - 1;
      fills.push((record, cells) => {
        record[name] = valueOf(reading, cells[at]);
      });
    }
    for (const one of selection.ones) {
      fills.push(await this.#selectOne(table, alias, one, row, used));
    }
    for (const list of selection.lists) {
      fills.push(await this.#selectList(table, alias, list, row, used));
    }
    return (record, cells) => {
      for (const fill of fills) {
        fill(record, cells);
      }
    };
  }

  async #selectOne(
    near: TableShape,
    nearAlias: string,
    { field, where, selection }: SelectedOne,
    row: RowSql,
    used: Set<string> | undefined,
  ): Promise<Fill> {
    const { link, model, far } = await this.#follow(near, field, used);
    const inner = this.#statement.alias();
    const related = relatedTables(link, inner, nearAlias, this.#statement);
    const filter = await filterToSql(this.#ports, model, where, inner, this.#statement);
    const alias = this.#statement.alias();
    // LIMIT keeps the order of the page: the planner has to look up one record after the other.
    row.joins.push(
      `\n  LEFT JOIN LATERAL (SELECT ${inner}.* FROM ${related.tables}${filter.joins} WHERE ${related.condition} AND ${filter.condition} LIMIT 1) AS ${alias} ON TRUE`,
    );
    const mark = row.values.push(`(${alias}.${link.farColumns[0] ?? ""} IS NOT NULL)`) - 1;
    const fill = await this.#select(far, alias, selection, row);
    const recordOf = recordMaker(fill);
    return (record, cells) => {
      const isThere = cells[mark] === true || cells[mark] === "t";
      record[field.name] = isThere ? recordOf(cells) : null;
    };
  }

  async #selectList(
    near: TableShape,
    nearAlias: string,
    { field, name, page, count, figures }: SelectedList,
    row: RowSql,
    used: Set<string> | undefined,
  ): Promise<Fill> {
    const { link, model, far } = await this.#follow(near, field, used);
    const sourceOf = (): ListSource => {
      const alias = this.#statement.alias();
      return { alias, ...relatedTables(link, alias, nearAlias, this.#statement) };
    };
    const joined = (text: string, column: string): number => {
      const alias = this.#statement.alias();
      row.joins.push(`\n  LEFT JOIN LATERAL (${text}) AS ${alias} ON TRUE`);
      return row.values.push(`${alias}.${column}`) - 1;
    };
    const isNarrow = page !== undefined && link.joinTable === undefined && !hasIndex(link, page.part.terms);
    const rows = page && (await this.rows(model, page, { ...sourceOf(), isNarrow }, "JSON"));
    const rowsAt = rows && joined(`SELECT json_agg(listed.v0) AS list FROM (${rows.text}) AS listed`, "list");
    const countAt =
      count && joined(await countSql(this.#ports, model, count.where, sourceOf(), this.#statement), "total");
    const figuresOf = figures && (await this.#selectFigures(far, figures, sourceOf(), row));
    const isText = row.form === "TEXT";
    return (record, cells) => {
      const total = countAt === undefined ? 0 : Number(cells[countAt]);
      const cell = rowsAt === undefined ? null : (cells[rowsAt] ?? null);
      const list =
        cell === null ? [] : ((isText ? parseJson(cell) : cell) as readonly (readonly unknown[])[]);
      const loaded = rows === undefined ? { ...NO_ROWS, total } : rows.decode(list, total);
      record[name] = figuresOf === undefined ? loaded : { ...loaded, figures: figuresOf(cells) };
    };
  }

  /** Joins the figures over a list. @returns what takes them from a row */
  async #selectFigures(
    table: TableShape,
    { where, aggregates }: NonNullable<SelectedList["figures"]>,
    source: ListSource,
    row: RowSql,
  ): Promise<(cells: readonly unknown[]) => GroupValues> {
    if (aggregates.length === 0) {
      return () => ({});
    }
    const filter = await filterToSql(this.#ports, table.model, where, source.alias, this.#statement);
    const values = aggregates.map((each) => figureToSql(table, source.alias, each));
    const alias = this.#statement.alias();
    const listed = values.map(({ sql }, at) => `${sql} AS f${at}`).join(", ");
    row.joins.push(
      `\n  CROSS JOIN LATERAL (SELECT ${listed} FROM ${source.tables}${filter.joins} WHERE ${source.condition} AND ${filter.condition}) AS ${alias}`,
    );
    const read = row.form === "TEXT" ? readAsText : readInJson;
    const readings = values.map(({ shape }, at) => {
      const reading = read({ ...shape, name: `f${at}` }, `${alias}.f${at}`, this.#ports.toDecimal);
      return { name: shape.field.name, reading, cell: row.values.push(reading.sql) - 1 };
    });
    return (cells) =>
      Object.fromEntries(readings.map(({ name, reading, cell }) => [name, valueOf(reading, cells[cell])]));
  }

  /** The relation's link; the columns of the near table that it needs are used. */
  async #follow(
    near: TableShape,
    field: SelectedOne["field"],
    used: Set<string> | undefined,
  ): Promise<{ readonly link: Link; readonly model: Model; readonly far: TableShape }> {
    const { models, shapes } = this.#ports;
    const model = models.get(field.type);
    const far = await shapes.of(model);
    const link = linkOf(models, near, field, far);
    link.nearColumns.forEach((name) => used?.add(name));
    return { link, model, far };
  }
}

const NO_ROWS = { part: undefined, records: [], places: [] } as const;

function parseJson(text: unknown): unknown {
  return JSON.parse(text as string);
}

function recordMaker(fill: Fill): (row: readonly unknown[]) => LoadedRecord {
  return (row) => {
    const record: Record<string, unknown> = {};
    fill(record, row);
    return record;
  };
}

/** The values as one JSON array; as an array of arrays where there are too many for one call. */
function jsonArray(values: readonly string[]): string {
  if (values.length <= MAX_ARGUMENTS) {
    return `json_build_array(${values.join(", ")})`;
  }
  const parts = Array.from({ length: Math.ceil(values.length / MAX_ARGUMENTS) }, (_part, at) =>
    jsonArray(values.slice(at * MAX_ARGUMENTS, (at + 1) * MAX_ARGUMENTS)),
  );
  return jsonArray(parts);
}

/** A name that none of the columns begins with. */
function freeName(columns: ReadonlySet<string>, name: string): string {
  return [...columns].some((column) => column.startsWith(`"${name}`)) ? freeName(columns, `${name}_`) : name;
}

/**
 * The SELECT of a page.
 * @param terms a name for the order's columns, to find the records first and cut the page afterwards. Without an index
 *   for both, the planner may follow the order through the whole table in search of a few records
 */
function pageSql(part: PartSql, columns: readonly string[], terms: string | undefined): string {
  if (terms === undefined || part.order.length === 0) {
    return `SELECT ${columns.join(", ")} ${part.from}${cutSql(part)}`;
  }
  const named = part.order.map(({ column }, at) => `${column} AS ${terms}${at}`);
  const found = `SELECT ${[...columns, ...named].join(", ")} ${part.from} OFFSET 0`;
  return `SELECT found.* FROM (${found}) AS found${cutSql(
    part,
    part.order.map((_term, at) => `found.${terms}${at}`),
  )}`;
}

/** Whether an index leads from the link to the records in the order of the first term. */
function hasIndex({ farColumns, far }: Link, [first]: readonly OrderTerm[]): boolean {
  const isOwn = first?.relations.length === 0 && first.counted === undefined;
  const column = isOwn ? far.columns.get(first.column.name)?.name : undefined;
  return far.indexes.some(
    (columns) =>
      farColumns.every((name) => columns.slice(0, farColumns.length).includes(name)) &&
      columns[farColumns.length] === column,
  );
}

/** Whether a row has too many values for columns. */
function isWide(selection: Selection): boolean {
  return widthOf(selection) > MAX_COLUMNS;
}

function widthOf({ columns, ones, lists }: Selection): number {
  const single = ones.reduce((sum, one) => sum + 1 + widthOf(one.selection), columns.length);
  return lists.reduce((sum, { figures }) => sum + 2 + (figures?.aggregates.length ?? 0), single);
}

import type { FileColumn } from "../../../core/files/file-column.ts";
import type { FileReading } from "../../../core/files/file-reading.ts";
import type { RelationField } from "../../../core/records/model.ts";
import type { Statement } from "../filters/column-to-sql.ts";
import { createStatement } from "../filters/column-to-sql.ts";
import type { Link, RelatedTables } from "../filters/filter-to-sql.ts";
import { filterToSql, joinOne, linkOf, matches, relatedTables } from "../filters/filter-to-sql.ts";
import { cutSql, partToSql } from "../records/list-part.ts";
import type { ValueReading } from "../records/read-values.ts";
import { readAsText, readInJson } from "../records/read-values.ts";
import type { SelectionPorts } from "../records/selection-to-sql.ts";
import type { ColumnShape, TableShape } from "../records/table-shape.ts";
import { requiredColumn } from "../sql/bulk-target.ts";

/** The statement that reads a file's records. */
export interface FileStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** How the value of each column becomes what Prisma's client makes of it. */
  readonly readings: readonly ValueReading[];
}

/** A table under its name in the statement. */
interface JoinedTable {
  readonly table: TableShape;
  readonly alias: string;
}

/** Translates what is read for a file into one statement, with a column of the SELECT for each of the file's. */
export async function fileStatement(ports: SelectionPorts, reading: FileReading): Promise<FileStatement> {
  const statement = createStatement();
  const root = { table: await ports.shapes.of(reading.model), alias: statement.alias() };
  const joins = new JoinBuilder(ports, reading, statement, root);
  const readings: ValueReading[] = [];
  for (const column of reading.columns) {
    readings.push(await joins.read(column));
  }
  const source = { alias: root.alias, tables: joins.tables(), condition: "TRUE" };
  const part = await partToSql(ports, reading.model, reading, source, statement);
  return {
    text: `SELECT ${readings.map(({ sql }) => sql).join(", ")} ${part.from}${cutSql(part)}`,
    values: statement.values,
    readings,
  };
}

/** What makes the lists of linked records. */
interface ListsSql extends RelatedTables {
  /** The list, as an aggregate. */
  readonly sql: string;
  /** Which linked records count. */
  readonly filter: string;
}

/** Joins the related records that columns lead to: each once, and only those within the viewer's scope. */
class JoinBuilder {
  readonly #ports: SelectionPorts;
  readonly #reading: FileReading;
  readonly #statement: Statement;
  readonly #root: JoinedTable;
  readonly #joined = new Map<string, JoinedTable>();
  /** The root, and the single records that it refers to. */
  #single: string;
  /** The lists of linked records. */
  #lists = "";

  constructor(ports: SelectionPorts, reading: FileReading, statement: Statement, root: JoinedTable) {
    this.#ports = ports;
    this.#reading = reading;
    this.#statement = statement;
    this.#root = root;
    this.#single = `${root.table.table} ${root.alias}`;
  }

  async read({ relations, field, isLinks }: FileColumn): Promise<ValueReading> {
    const list = isLinks ? relations.at(-1) : undefined;
    const near = await this.#tableAt(list === undefined ? relations : relations.slice(0, -1));
    if (list !== undefined) {
      return this.#readLinks(near, list, field.name);
    }
    const shape = requiredColumn(near.table, field.name);
    return exactMoments(shape, readAsText(shape, `${near.alias}.${shape.name}`, this.#ports.toDecimal));
  }

  /** All tables, for a FROM. */
  tables(): string {
    return this.#single + this.#lists;
  }

  async #tableAt(relations: readonly RelationField[]): Promise<JoinedTable> {
    const last = relations.at(-1);
    if (last === undefined) {
      return this.#root;
    }
    const path = relations.map(({ name }) => name).join(".");
    const known = this.#joined.get(path);
    if (known !== undefined) {
      return known;
    }
    const near = await this.#tableAt(relations.slice(0, -1));
    const made = { table: await this.#shapeOf(last), alias: this.#statement.alias() };
    this.#joined.set(path, made);
    const filter = await this.#filterOf(made);
    this.#single += joinOne(
      linkOf(this.#ports.models, near.table, last, made.table),
      made.alias,
      near.alias,
      filter,
    );
    return made;
  }

  /** The values of the linked records as JSON lists, in the order of their keys. */
  async #readLinks(near: JoinedTable, list: RelationField, field: string): Promise<ValueReading> {
    const far = { table: await this.#shapeOf(list), alias: this.#statement.alias() };
    const link = linkOf(this.#ports.models, near.table, list, far.table);
    const related = relatedTables(link, far.alias, near.alias, this.#statement);
    const filter = await this.#filterOf(far);
    const shape = requiredColumn(far.table, field);
    const item = readInJson(shape, `${far.alias}.${shape.name}`, this.#ports.toDecimal);
    const order = far.table.key.map(({ name }) => `${far.alias}.${name}`).join(", ");
    const decode = shape.field.type === "DateTime" ? momentText(shape) : item.decode;
    const lists = {
      ...related,
      sql: `json_agg(${item.sql} ORDER BY ${order})`,
      tables: related.tables + filter.joins,
      filter: filter.condition,
    };
    return {
      sql:
        this.#reading.where === undefined
          ? this.#joinLists(link, near, lists)
          : this.#listOfEach(link, near, lists),
      decode: (text) => {
        const items = JSON.parse(text as string) as readonly unknown[];
        return decode === undefined ? items : items.map((each) => (each === null ? null : decode(each)));
      },
      ifNull: [],
    };
  }

  /** Makes the lists of all records at once, which takes a fraction of the time where a file has all of them. */
  #joinLists(link: Link, near: JoinedTable, { sql, tables, filter, linking }: ListsSql): string {
    const lists = this.#statement.alias();
    const owners = link.farColumns.map((name) => `${linking}.${name}`).join(", ");
    this.#lists +=
      ` LEFT JOIN (SELECT ${owners}, ${sql} AS list FROM ${tables} WHERE ${filter} GROUP BY ${owners}) ${lists}` +
      ` ON ${matches(link, lists, near.alias)}`;
    return `${lists}.list`;
  }

  /** Makes the list of one record after the other. Most have few links or none: PostgreSQL looks for all of those at once. */
  #listOfEach(link: Link, near: JoinedTable, { sql, tables, filter, condition }: ListsSql): string {
    const any = this.#statement.alias();
    const isLinked = `EXISTS (SELECT FROM ${link.joinTable?.table ?? ""} ${any} WHERE ${matches(link, any, near.alias)})`;
    return `CASE WHEN ${isLinked} THEN (SELECT ${sql} FROM ${tables} WHERE ${condition} AND ${filter}) END`;
  }

  #shapeOf({ type }: RelationField): Promise<TableShape> {
    return this.#ports.shapes.of(this.#ports.models.get(type));
  }

  #filterOf({ table, alias }: JoinedTable): ReturnType<typeof filterToSql> {
    const { model } = table;
    return filterToSql(this.#ports, model, this.#reading.scopeOf(model.name), alias, this.#statement);
  }
}

/** Reads moments with all of their digits, as texts: Dates have milliseconds. */
function exactMoments(shape: ColumnShape, reading: ValueReading): ValueReading {
  if (shape.field.type !== "DateTime") {
    return reading;
  }
  const toText = momentText(shape);
  const decode = (value: unknown): unknown => {
    const moments = JSON.parse(value as string) as string | readonly (string | null)[];
    return typeof moments === "string"
      ? toText(moments)
      : moments.map((moment) => (moment === null ? null : toText(moment)));
  };
  return { ...reading, decode };
}

/** What makes a moment in the API's form of one in PostgreSQL's JSON, in UTC, with at least milliseconds. */
function momentText({ nativeType }: ColumnShape): (moment: unknown) => string {
  if (nativeType.startsWith("date")) {
    return (day) =>
      /^\d{4}-\d\d-\d\d$/.test(day as string) ? `${day as string}T00:00:00.000Z` : (day as string);
  }
  const isTimeOfDay = !nativeType.startsWith("timestamp");
  return (moment) => {
    // The hour 24 is the next day's first, as in the API.
    const text = isTimeOfDay
      ? `1970-01-01T${moment as string}`.replace("01T24", "02T00")
      : (moment as string);
    const [, whole, digits = ""] = MOMENT.exec(text) ?? [];
    return whole === undefined ? (moment as string) : `${whole}.${digits.padEnd(3, "0")}Z`;
  };
}

/** Not the years before Christ and after 9999, and infinity, which stay as they are. A time of day loses its zone, as in the API. */
const MOMENT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[+-][\d:]+)?$/;

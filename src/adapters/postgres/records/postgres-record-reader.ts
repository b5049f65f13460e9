import { AppError } from "../../../kernel/app-error.ts";
import { mapInTurns } from "../../../kernel/turns.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { Model } from "../../../core/records/model.ts";
import { canonicalRecordId } from "../../../core/records/record-key.ts";
import type { RecordReader } from "../../../core/records/record-reader.ts";
import type { TextRows } from "../connection/text-rows.ts";
import type { Statement } from "../filters/column-to-sql.ts";
import { createStatement } from "../filters/column-to-sql.ts";
import type { KeyRow } from "./record-ids.ts";
import { idOfRow, keyList } from "./record-ids.ts";
import type { FilterPorts } from "../filters/filter-to-sql.ts";
import { filterToSql } from "../filters/filter-to-sql.ts";
import { keyColumns } from "../sql/bulk-target.ts";
import { castText } from "../sql/bulk-target.ts";
import type { TableShape } from "./table-shape.ts";

/** The ports of {@link createPostgresRecordReader}. */
export interface RecordReaderPorts extends FilterPorts {
  /** Over a pool, or of a transaction. */
  readonly session: SqlSession;
  /** For selections, which may be slow. Default: the session. */
  readonly reads?: TextRows | undefined;
  /** Records that one statement reads; each takes about 100 bytes until it is turned into an id. Default 50,000. */
  readonly pageSize?: number;
}

/**
 * Reads the ids of matching records page by page, in the order of their keys, so that memory holds the ids and one page.
 * @throws AppError VALIDATION_FAILED when a filter has a value that its column cannot hold
 */
export function createPostgresRecordReader(ports: RecordReaderPorts): RecordReader {
  const { models, shapes, session, reads, pageSize = 50_000 } = ports;
  return {
    async findIds(modelName, where, limit, signal) {
      const model = models.get(modelName);
      const table = await shapes.of(model);
      const selecting = reads === undefined ? session : keySession(reads, model, signal);
      const ids: string[] = [];
      while (ids.length < limit) {
        const size = Math.min(pageSize, limit - ids.length);
        const statement = createStatement();
        const { joins, condition } = await filterToSql(ports, model, where, "t", statement);
        const last = ids.at(-1);
        const behind = last === undefined ? "" : ` AND ${comesAfter(table, last, statement)}`;
        const page = await readIds(
          selecting,
          model,
          `SELECT ${keyList(model, "t")} FROM ${table.table} t${joins} WHERE ${condition}${behind}
           ORDER BY ${ownKey(table)} LIMIT ${statement.parameter(size)}::int`,
          statement,
        );
        for (const id of page) {
          ids.push(id);
        }
        if (page.length < size) {
          break;
        }
      }
      return ids;
    },
    async existingIds(modelName, ids, where) {
      const model = models.get(modelName);
      const table = await shapes.of(model);
      const unique = [...new Set(ids.map((id) => canonicalRecordId(model, id)))];
      const found: string[] = [];
      for (let at = 0; at < unique.length; at += pageSize) {
        const wanted = unique.slice(at, at + pageSize);
        const statement = createStatement();
        const { joins, condition } = await filterToSql(ports, model, where, "t", statement);
        const page = await readIds(
          session,
          model,
          `SELECT ${keyList(model, "t")} FROM ${table.table} t${joins} WHERE ${condition} AND (${ownKey(table)}) IN
             (SELECT ${keyColumns(table)} FROM unnest(${statement.parameter(wanted)}::text[]) AS id)`,
          statement,
        );
        found.push(...page);
      }
      return found;
    },
  };
}

function ownKey(table: TableShape): string {
  return table.key.map(({ name }) => `t.${name}`).join(", ");
}

/** `(t.a, t.b) > ($1, $2)`; the key's index serves this condition. */
function comesAfter(table: TableShape, id: string, statement: Statement): string {
  const texts =
    table.key.length === 1 ? [id] : (JSON.parse(Buffer.from(id, "base64url").toString()) as string[]);
  const parts = table.key.map((column, at) => castText(column, `${statement.parameter(texts[at])}::text`));
  return `(${ownKey(table)}) > (${parts.join(", ")})`;
}

type KeySession = Pick<SqlSession, "query">;

/** Reads keys over connections that pass on the texts which PostgreSQL sends. */
function keySession(reads: TextRows, { key }: Model, signal: AbortSignal | undefined): KeySession {
  const decoders = key.map(({ type }) => DECODERS[type] ?? ((text: string): unknown => text));
  return {
    async query<Row>(text: string, values: readonly unknown[]) {
      const rows = await reads.read(text, values, signal);
      return rows.map((row) =>
        Object.fromEntries(decoders.map((decode, at) => [`k${at}`, decode(row[at] ?? "")])),
      ) as Row[];
    },
  };
}

/** Makes of a key's text what a driver makes of it, where that is not the text. */
const DECODERS: Readonly<Record<string, (text: string) => unknown>> = {
  Boolean: (text) => text === "t",
  Bytes: (text) => Buffer.from(text.slice(2), "hex"),
};

async function readIds(
  session: KeySession,
  model: Model,
  text: string,
  { values }: Statement,
): Promise<readonly string[]> {
  try {
    const rows = await session.query<KeyRow>(text, values);
    return await mapInTurns(rows, (row) => idOfRow(model, row));
  } catch (error) {
    throw isDataException(error) ? valueError(error) : error;
  }
}

/** The refusal of a filter's value that its column cannot hold. */
export function valueError(error: Error): AppError {
  const message = `A value is not one that its column can hold: ${error.message}.`;
  return new AppError("VALIDATION_FAILED", message, { cause: error });
}

/** SQLSTATE class 22, such as a text that is not a uuid, or a number out of the column's range. */
export function isDataException(error: unknown): error is Error {
  return error instanceof Error && String((error as { code?: unknown }).code).startsWith("22");
}

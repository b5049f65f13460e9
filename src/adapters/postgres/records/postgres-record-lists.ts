import type { RecordLists } from "../../../core/records/record-lists.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { TextRows } from "../connection/text-rows.ts";
import { createStatement } from "../filters/column-to-sql.ts";
import { explainError } from "./list-part.ts";
import type { ListStatement, SelectionPorts } from "./selection-to-sql.ts";
import { listStatement } from "./selection-to-sql.ts";

interface RecordListsPorts extends SelectionPorts {
  readonly rows: TextRows;
  /** For the words about a value that the database cannot read. */
  readonly session: Pick<SqlSession, "query">;
}

/** Reads a list with all that hangs on its records by one statement. */
export function createPostgresRecordLists(ports: RecordListsPorts): RecordLists {
  const prepare: RecordLists["prepare"] = (name, reading) => {
    const model = ports.models.get(name);
    let statement: ListStatement | undefined;
    return async (key = [], signal) => {
      statement ??= await listStatement(ports, model, reading, createStatement());
      const { text, values, parts, decode } = statement;
      try {
        return decode(await ports.rows.read(text, [...key, ...values.slice(key.length)], signal));
      } catch (error) {
        throw await explainError(ports, parts, error);
      }
    };
  };
  return { prepare, read: (name, reading, signal) => prepare(name, reading)(undefined, signal) };
}

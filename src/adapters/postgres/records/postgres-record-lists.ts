import type { RecordLists } from "../../../core/records/record-lists.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { TextRows } from "../connection/text-rows.ts";
import { createStatement } from "../filters/column-to-sql.ts";
import { explainError } from "./list-part.ts";
import type { SelectionPorts } from "./selection-to-sql.ts";
import { listStatement } from "./selection-to-sql.ts";

interface RecordListsPorts extends SelectionPorts {
  readonly rows: TextRows;
  /** For the words about a value that the database cannot read. */
  readonly session: Pick<SqlSession, "query">;
}

/** Reads a list with all that hangs on its records by one statement. */
export function createPostgresRecordLists(ports: RecordListsPorts): RecordLists {
  return {
    async read(name, reading, signal) {
      const model = ports.models.get(name);
      const { text, values, parts, decode } = await listStatement(ports, model, reading, createStatement());
      const rows = await ports.rows
        .read(text, values, signal)
        .catch(async (error: unknown) => Promise.reject(await explainError(ports, parts, error)));
      return decode(rows);
    },
  };
}

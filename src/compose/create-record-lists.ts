import { createPostgresRecordGroups } from "../adapters/postgres/aggregates/postgres-record-groups.ts";
import { createPostgresListPages } from "../adapters/postgres/records/postgres-list-pages.ts";
import { createPostgresRecordLists } from "../adapters/postgres/records/postgres-record-lists.ts";
import type { TableShapes } from "../adapters/postgres/records/table-shape.ts";
import type { TextRows } from "../adapters/postgres/connection/text-rows.ts";
import { toDecimal } from "../adapters/prisma/column-from-json.ts";
import type { PrismaTransaction } from "../adapters/prisma/prisma-client-port.ts";
import { createPrismaRecordLists } from "../adapters/prisma/prisma-record-lists.ts";
import type { Config } from "../config/config.ts";
import type { ModelRegistry } from "../core/records/model.ts";
import type { RecordGroups } from "../core/records/record-groups.ts";
import type { RecordLists } from "../core/records/record-lists.ts";
import type { RecordReader } from "../core/records/record-reader.ts";
import type { SqlSession } from "../kernel/sql-session.ts";

interface RecordListsParts {
  readonly reader: Config["reader"];
  readonly models: ModelRegistry;
  readonly shapes: TableShapes;
  /** The connections of the app's client. */
  readonly rows: TextRows;
  /** Asked for where it is used. */
  readonly clientOfViewer: () => PrismaTransaction;
  readonly session: SqlSession;
  /** Finds ids. */
  readonly ids: RecordReader;
}

/** What queries read records with: our own SQL, or Prisma's client. */
export function createRecordLists(parts: RecordListsParts): RecordLists {
  return parts.reader === "prisma"
    ? createPrismaRecordLists({
        models: parts.models,
        reader: parts.ids,
        pages: createPostgresListPages(parts),
        get client() {
          return parts.clientOfViewer();
        },
      })
    : createPostgresRecordLists({ ...parts, toDecimal });
}

/** What queries read figures over many records with. */
export function createRecordGroups(
  parts: Omit<Parameters<typeof createPostgresRecordGroups>[0], "toDecimal">,
): RecordGroups {
  return createPostgresRecordGroups({ ...parts, toDecimal });
}

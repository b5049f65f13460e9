import type { Json } from "../../../kernel/json.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { RecordDefaults } from "../../../core/records/record-defaults.ts";
import type { ColumnField, Model } from "../../../core/records/model.ts";
import { columnsOf } from "../../../core/records/model.ts";
import { problem } from "../../../core/refusals/problems.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import type { TableShapes } from "./table-shape.ts";

/** The ports of {@link createPostgresRecordDefaults}. */
export interface RecordDefaultsPorts {
  readonly session: SqlSession;
  readonly shapes: TableShapes;
  /** Makes a field's default values as Prisma's client would; undefined if Prisma's client does not make them. */
  readonly generatorOf: (field: ColumnField) => (() => Json) | undefined;
}

/** $1 table. The columns' default expressions; for identity and serial columns, the call that draws their next number. */
const COLUMN_DEFAULTS = `
SELECT a.attname AS name,
       CASE WHEN a.attidentity <> '' OR pg_get_serial_sequence($1::text, a.attname) IS NOT NULL
            THEN format('nextval(%L::regclass)', pg_get_serial_sequence($1::text, a.attname))
            ELSE pg_get_expr(d.adbin, d.adrelid) END AS expression
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = to_regclass($1::text) AND a.attnum > 0 AND NOT a.attisdropped`;

/**
 * Draws new keys by evaluating the column's own default, so it uses the same sequences and functions as every other
 * writer. A table's defaults are read once: migrations run before the service starts.
 */
export function createPostgresRecordDefaults(ports: RecordDefaultsPorts): RecordDefaults {
  const tables = new Map<string, Promise<ReadonlyMap<string, string>>>();
  const defaultsOf = (model: Model): Promise<ReadonlyMap<string, string>> => {
    const known = tables.get(model.name);
    if (known !== undefined) {
      return known;
    }
    const reading = readDefaults(ports, model);
    tables.set(model.name, reading);
    reading.catch(() => tables.delete(model.name));
    return reading;
  };
  return {
    async make(model, given, count, transaction) {
      const session = transaction === undefined ? ports.session : requiredSession(transaction);
      const missing = columnsOf(model).filter(({ name }) => !given.includes(name));
      const hasDefaults = missing.some((field) => field.isKey || field.hasDefault);
      const inDatabase = hasDefaults ? await defaultsOf(model) : new Map<string, string>();
      const made = new Map<string, readonly Json[]>();
      for (const field of missing) {
        const expression = inDatabase.get(field.column);
        const generate = ports.generatorOf(field);
        // The database fills in its other defaults when it writes the record.
        if (expression !== undefined && field.isKey) {
          made.set(field.name, await evaluate(session, expression, count));
        } else if (expression === undefined && generate !== undefined) {
          made.set(field.name, Array.from({ length: count }, generate));
        } else if (field.isKey) {
          const message = `${model.apiName}.${field.apiName} is needed for a new record.`;
          return { problems: [problem(message, field.apiName)] };
        }
      }
      return { value: made };
    },
  };
}

async function readDefaults(
  { session, shapes }: RecordDefaultsPorts,
  model: Model,
): Promise<ReadonlyMap<string, string>> {
  const { table } = await shapes.of(model);
  const rows = await session.query<{ name: string; expression: string | null }>(COLUMN_DEFAULTS, [table]);
  return new Map(rows.flatMap(({ name, expression }) => (expression === null ? [] : [[name, expression]])));
}

async function evaluate(session: SqlSession, expression: string, count: number): Promise<readonly Json[]> {
  const rows = await session.query<{ value: string }>(
    `SELECT (${expression})::text AS value FROM generate_series(1, $1::integer)`,
    [count],
  );
  return rows.map(({ value }) => value);
}

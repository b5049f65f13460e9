import type { SqlSession } from "../../../kernel/sql-session.ts";
import { quoteName } from "../../../kernel/sql-session.ts";

/** What a database has for searching texts. */
export interface TextTools {
  /** The schema of the extension pg_trgm, quoted; undefined where it is not installed. */
  readonly trigrams: string | undefined;
  /** Whether pg_trgm knows letters beyond ASCII, which depends on the database's locale. */
  readonly hasWideTrigrams: boolean;
  /** Whether the database's encoding is UTF-8: only there can accents be taken off. */
  readonly isUnicode: boolean;
  /** The text search configurations, with their schemas, and without where the search path finds them. */
  readonly configurations: ReadonlySet<string>;
}

const FACTS = `
SELECT (SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'pg_trgm') AS trigrams,
       current_setting('server_encoding') = 'UTF8' AS "isUnicode",
       ARRAY(SELECT nspname || '.' || cfgname FROM pg_ts_config JOIN pg_namespace n ON n.oid = cfgnamespace)
         || ARRAY(SELECT cfgname::text FROM pg_ts_config WHERE pg_ts_config_is_visible(oid)) AS configurations`;

interface Facts {
  readonly trigrams: string | null;
  readonly isUnicode: boolean;
  readonly configurations: readonly string[];
}

/** Asks the database's catalog. */
export async function readTextTools(session: SqlSession): Promise<TextTools> {
  const [facts] = await session.query<Facts>(FACTS);
  const { trigrams, isUnicode = false, configurations = [] } = facts ?? { trigrams: null };
  const schema = trigrams === null ? undefined : quoteName(trigrams);
  return {
    trigrams: schema,
    hasWideTrigrams: isUnicode && schema !== undefined && (await hasWideTrigrams(session, schema)),
    isUnicode,
    configurations: new Set(configurations),
  };
}

async function hasWideTrigrams(session: SqlSession, schema: string): Promise<boolean> {
  const [row] = await session.query<{ count: number }>(
    `SELECT cardinality(${schema}.show_trgm('жжжж')) AS count`,
  );
  return (row?.count ?? 0) > 0;
}

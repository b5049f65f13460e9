import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setSavepoint } from "../../kernel/savepoint.ts";
import { codeFolder } from "./package-folder.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";

/** The folder of the engine's SQL files: of this file in a checkout, and where they are copied to in the package. */
export const SQL_FOLDER = join(codeFolder(import.meta.dirname), "adapters/postgres");
/** One file per subject. */
const FOLDER = join(SQL_FOLDER, "functions");

/** `invalid_function_definition`: CREATE OR REPLACE cannot change a function's return type or parameter names. */
const NOT_REPLACEABLE = "42P13";

const HAS_HASH = "SELECT to_regclass('powercrud.function_hash') IS NOT NULL AS found";
const READ_HASH = "SELECT hash FROM powercrud.function_hash";
/** $1 hash. */
const WRITE_HASH = `
  INSERT INTO powercrud.function_hash (hash) VALUES ($1) ON CONFLICT (is_only) DO UPDATE SET hash = EXCLUDED.hash`;
/** `version` changes with every CREATE OR REPLACE. */
const LIST_FUNCTIONS = `
  SELECT oid::regprocedure::text AS signature, oid::text || ' ' || xmin::text AS version
  FROM pg_proc WHERE pronamespace = 'powercrud'::regnamespace`;

interface FunctionRow {
  readonly signature: string;
  readonly version: string;
}

/** The texts of all function files, in the order of their names. */
interface FunctionSource {
  readonly texts: readonly string[];
  readonly hash: string;
}

/**
 * Creates the engine's database functions from their files, unless the database has them from the same text. Drops
 * functions that no file defines any more. Processes that call them meanwhile see either all old functions or all new
 * ones.
 * @param session one connection, outside a transaction, under a lock that keeps other migrators out
 * @returns whether anything changed
 */
export async function applyFunctions(session: SqlSession): Promise<boolean> {
  const source = await readSource();
  if ((await readHash(session)) === source.hash) {
    return false;
  }
  await session.query("BEGIN");
  try {
    // The functions call each other, so their bodies cannot be checked before all of them exist.
    await session.query("SET LOCAL check_function_bodies = off");
    const before = await session.query<FunctionRow>(LIST_FUNCTIONS);
    await createAll(session, source, before);
    const versions = new Set(before.map(({ version }) => version));
    const after = await session.query<FunctionRow>(LIST_FUNCTIONS);
    await dropAll(
      session,
      after.filter(({ version }) => versions.has(version)),
    );
    await session.query(WRITE_HASH, [source.hash]);
    await session.query("COMMIT");
  } catch (error) {
    await session.query("ROLLBACK");
    throw error;
  }
  return true;
}

/** Whether the database has this version's functions. True for a database that was never migrated, too. */
export async function hasCurrentFunctions(session: SqlSession): Promise<boolean> {
  const [table] = await session.query<{ found: boolean }>(HAS_HASH);
  return table?.found !== true || (await readHash(session)) === (await readSource()).hash;
}

async function createAll(
  session: SqlSession,
  { texts }: FunctionSource,
  before: readonly FunctionRow[],
): Promise<void> {
  const run = async (): Promise<void> => {
    for (const text of texts) {
      await session.query(text);
    }
  };
  const savepoint = await setSavepoint(session, "functions");
  try {
    await run();
    await savepoint.keep();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === NOT_REPLACEABLE)) {
      throw error;
    }
    await savepoint.takeBack();
    await dropAll(session, before);
    await run();
  }
}

/** Drops the functions and the triggers that call them. */
async function dropAll(session: SqlSession, functions: readonly FunctionRow[]): Promise<void> {
  if (functions.length > 0) {
    await session.query(`DROP FUNCTION ${functions.map(({ signature }) => signature).join(", ")} CASCADE`);
  }
}

async function readHash(session: SqlSession): Promise<string | undefined> {
  const [row] = await session.query<{ hash: string }>(READ_HASH);
  return row?.hash;
}

async function readSource(): Promise<FunctionSource> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".sql")).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(FOLDER, name), "utf8")));
  return { texts, hash: createHash("sha256").update(texts.join("\0")).digest("hex") };
}

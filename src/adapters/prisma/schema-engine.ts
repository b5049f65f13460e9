import { openMigrationConnection } from "./migration-connection.ts";
import { scriptOf } from "./migration-folder.ts";
import { AppError } from "../../kernel/app-error.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import type {
  DiagnoseMigrationHistoryOutput,
  MigrationList,
  SchemaEngine as WasmEngine,
  SchemaFilter,
} from "@prisma/schema-engine-wasm/schema_engine_bg";
import type * as Bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { DatabaseError } from "pg";

/** The options of {@link openSchemaEngine}. */
interface SchemaEngineOptions {
  readonly databaseUrl: string;
  /** The PostgreSQL schema of the history table and of unqualified names. */
  readonly schema: string;
  /** Whether that schema is created if it is missing. Default true. */
  readonly isSchemaCreated?: boolean;
  /** The files of a Prisma schema. Not needed to only apply SQL. */
  readonly datamodels?: readonly Datamodel[];
}

/** A file of a Prisma schema. */
export interface Datamodel {
  /** For messages. */
  readonly path: string;
  readonly content: string;
}

/** The result of applying a folder of migrations. */
export interface MigrationRun {
  /** Names, in the order in which they were applied. */
  readonly applied: readonly string[];
  /** Names that the database has and the folder lacks: another version migrated it. */
  readonly missing: readonly string[];
}

/** What was read from a database. */
export interface Introspected {
  readonly datamodels: readonly Datamodel[];
  /** What the Prisma schema cannot say of the database; empty if nothing. */
  readonly warnings: string;
}

/** Prisma's schema engine, connected to one database. */
export interface SchemaEngine {
  /** The engine's connection, for statements between its own, under the lock that keeps other migrators out. */
  readonly session: SqlSession;
  /**
   * Applies pending migrations. Each one and its row in the history are one transaction, unless the script contains a
   * statement that cannot run in one. Waits while another process migrates.
   * @throws AppError MIGRATION_FAILED
   */
  applyMigrations(list: MigrationList): Promise<MigrationRun>;
  /** The SQL that changes the database to match the Prisma schema; undefined if it does already. */
  diffToDatamodels(datamodels: readonly Datamodel[]): Promise<string | undefined>;
  /**
   * Changes the database to match the Prisma schema, as `prisma db push` does.
   * @returns what it would lose, one sentence each; then nothing is changed
   */
  push(datamodels: readonly Datamodel[]): Promise<readonly string[]>;
  /**
   * Reads a Prisma schema from the database's tables.
   * @param datamodels a schema with a datasource, and no models
   * @param namespaces the PostgreSQL schemas to read, which the datasource lists, too; undefined for the session's own
   */
  introspect(
    datamodels: readonly Datamodel[],
    namespaces: readonly string[] | undefined,
  ): Promise<Introspected>;
  close(): Promise<void>;
}

/** A session lock. The engine's own lock gives up after ten seconds, and a migration may take longer. */
const LOCK = "SELECT pg_advisory_lock(hashtextextended('powercrud.migrate', 0))";
/** Statements that PostgreSQL refuses within a transaction, and scripts with transactions of their own. */
const NEEDS_NO_TRANSACTION =
  /\bCONCURRENTLY\b|^\s*(?:BEGIN\s*;|BEGIN\s+(?:WORK|TRANSACTION)|START\s+TRANSACTION|COMMIT\s*;|VACUUM)/im;
const NO_FILTER: SchemaFilter = { externalTables: [], externalEnums: [] };
/** The engine requires a datamodel even to only apply SQL. */
const EMPTY_DATAMODEL: Datamodel = {
  path: "schema.prisma",
  content: 'datasource db {\n  provider = "postgresql"\n}\n',
};

/** Connects Prisma's schema engine to a database. Until it is closed, it holds a lock that other migrators wait for. */
export async function openSchemaEngine(options: SchemaEngineOptions): Promise<SchemaEngine> {
  const { databaseUrl, schema, datamodels = [EMPTY_DATAMODEL] } = options;
  const WasmSchemaEngine = await instantiateSchemaEngine();
  const connection = await openMigrationConnection(databaseUrl, schema);
  const fail = (error: unknown): never => {
    throw migrationError(error, connection.scriptError());
  };
  try {
    await connection.session.query(LOCK);
    if (options.isSchemaCreated !== false) {
      await connection.session.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
    }
    const engine = await WasmSchemaEngine.new(
      { datamodels: datamodels.map(({ path, content }) => [path, content]) },
      () => undefined,
      connection.factory,
    );
    return {
      session: connection.session,
      applyMigrations: (list) => applyMigrations({ engine, connection }, list),
      diffToDatamodels: (target) => diffToDatamodels(engine, target).catch(fail),
      push: (target) => push(engine, target).catch(fail),
      introspect: (target, namespaces) => introspect(engine, target, namespaces).catch(fail),
      async close() {
        engine.free();
        await connection.close();
      },
    };
  } catch (error) {
    await connection.close();
    return fail(error);
  }
}

interface Opened {
  readonly engine: WasmEngine;
  readonly connection: Awaited<ReturnType<typeof openMigrationConnection>>;
}

async function applyMigrations(opened: Opened, list: MigrationList): Promise<MigrationRun> {
  const diagnosis = await opened.engine
    .diagnoseMigrationHistory({ migrationsList: list, optInToShadowDatabase: false, filters: NO_FILTER })
    .catch((error: unknown) => {
      throw migrationError(error);
    });
  refuseBadHistory(list, diagnosis);
  const { pending, missing } = readHistory(diagnosis);
  const applied: string[] = [];
  for (const name of pending) {
    applied.push(...(await applyOne(opened, list, name)));
  }
  return { applied, missing };
}

/** Applies one migration; those before it in the list are already applied. */
async function applyOne(opened: Opened, list: MigrationList, name: string): Promise<string[]> {
  const { engine, connection } = opened;
  const isAtomic = !NEEDS_NO_TRANSACTION.test(scriptOf(list, name));
  const end = list.migrationDirectories.findIndex((directory) => directory.path === name) + 1;
  const migrationsList = { ...list, migrationDirectories: list.migrationDirectories.slice(0, end) };
  await connection.session.query(isAtomic ? "BEGIN" : "SELECT 1");
  try {
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_FILTER });
    await connection.session.query(isAtomic ? "COMMIT" : "SELECT 1");
    return appliedMigrationNames;
  } catch (error) {
    // Also removes the row in the history, so that a corrected migration can be applied.
    await connection.session.query("ROLLBACK");
    const file = `${list.baseDir}/${name}/migration.sql`;
    throw migrationError(error, connection.scriptError(), { file, script: scriptOf(list, name) });
  }
}

function refuseBadHistory(list: MigrationList, diagnosis: DiagnoseMigrationHistoryOutput): void {
  const [edited] = diagnosis.editedMigrationNames;
  if (edited !== undefined) {
    throw new AppError(
      "MIGRATION_FAILED",
      `${list.baseDir}/${edited}/migration.sql was changed after it had been applied; ` +
        "restore it, and put the change into a new migration",
    );
  }
  const [failed] = diagnosis.failedMigrationNames;
  if (failed !== undefined) {
    throw new AppError(
      "MIGRATION_FAILED",
      `the migration ${failed} failed half-way in this database; put right what it left, ` +
        `then record that with: npx prisma migrate resolve --rolled-back ${failed}`,
    );
  }
}

function readHistory({ history }: DiagnoseMigrationHistoryOutput): { pending: string[]; missing: string[] } {
  switch (history?.diagnostic) {
    case undefined: {
      return { pending: [], missing: [] };
    }
    case "databaseIsBehind": {
      return { pending: history.unappliedMigrationNames, missing: [] };
    }
    case "migrationsDirectoryIsBehind": {
      return { pending: [], missing: history.unpersistedMigrationNames };
    }
    case "historiesDiverge": {
      return { pending: history.unappliedMigrationNames, missing: history.unpersistedMigrationNames };
    }
  }
}

async function diffToDatamodels(
  engine: WasmEngine,
  datamodels: readonly Datamodel[],
): Promise<string | undefined> {
  const files = [...datamodels];
  const { exitCode, stdout } = await engine.diff({
    from: { tag: "schemaDatasource", files, configDir: "." },
    to: { tag: "schemaDatamodel", files },
    script: true,
    exitCode: true,
    filters: NO_FILTER,
  });
  // 2 means that there are differences.
  return exitCode === 2 ? (stdout ?? "") : undefined;
}

async function push(engine: WasmEngine, datamodels: readonly Datamodel[]): Promise<readonly string[]> {
  const { unexecutable, warnings } = await engine.schemaPush({
    force: false,
    schema: { files: [...datamodels] },
    filters: NO_FILTER,
  });
  return [...unexecutable, ...warnings];
}

async function introspect(
  engine: WasmEngine,
  datamodels: readonly Datamodel[],
  namespaces: readonly string[] | undefined,
): Promise<Introspected> {
  const { schema, warnings } = await engine.introspect({
    schema: { files: [...datamodels] },
    baseDirectoryPath: ".",
    force: true,
    // Only MongoDB has composite types.
    compositeTypeDepth: 0,
    namespaces: namespaces === undefined ? null : [...namespaces],
  });
  return { datamodels: schema.files, warnings: warnings ?? "" };
}

/** The part of the global `WebAssembly` that is used. TypeScript types it only together with a browser's globals. */
interface WebAssemblyGlobal {
  readonly WebAssembly: {
    instantiate(
      bytes: Uint8Array,
      imports: Readonly<Record<string, object>>,
    ): Promise<{ readonly instance: { readonly exports: Readonly<Record<string, unknown>> } }>;
  };
}

let instantiation: Promise<typeof Bindings.SchemaEngine> | undefined;

/** Prisma's own schema engine as WebAssembly from npm, so nothing is downloaded and no process started. */
function instantiateSchemaEngine(): Promise<typeof Bindings.SchemaEngine> {
  instantiation ??= instantiate();
  return instantiation;
}

/**
 * The bindings keep their instance in a variable of their module, and a second instance would break the first. A process may
 * hold two copies of this package, so each loads bindings of its own: a module's name includes its query.
 */
async function instantiate(): Promise<typeof Bindings.SchemaEngine> {
  const file = createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm/schema_engine_bg");
  const bindings = (await import(`${pathToFileURL(file).href}?${randomUUID()}`)) as typeof Bindings;
  const bytes = await readFile(file.replace(/\.js$/, ".wasm"));
  const { WebAssembly } = globalThis as unknown as WebAssemblyGlobal;
  const { instance } = await WebAssembly.instantiate(bytes, { "./schema_engine_bg.js": bindings });
  bindings.__wbg_set_wasm(instance.exports);
  (instance.exports["__wbindgen_start"] as () => void)();
  return bindings.SchemaEngine;
}

/** The migration that was being applied. */
interface FailedMigration {
  readonly file: string;
  readonly script: string;
}

/**
 * One clear message for an error of the schema engine.
 * @param scriptError PostgreSQL's own error, if it was PostgreSQL that refused the script
 */
function migrationError(error: unknown, scriptError?: DatabaseError, migration?: FailedMigration): AppError {
  if (scriptError !== undefined && migration !== undefined) {
    const line = lineOf(migration.script, scriptError.position);
    return new AppError("MIGRATION_FAILED", `${migration.file}${line}: ${scriptError.message}`, {
      cause: scriptError,
    });
  }
  if (codeOf(error) === "P3005") {
    return new AppError(
      "MIGRATION_FAILED",
      "the database has tables but no migration history; use an empty database, or record what it has with: " +
        "npx prisma migrate resolve --applied <migration>",
      { cause: error },
    );
  }
  return new AppError("MIGRATION_FAILED", readableText(error), { cause: error });
}

/** Without colours, and without the engine's list of its own functions. */
function readableText(error: unknown): string {
  const text = stripVTControlCharacters(error instanceof Error ? error.message : String(error));
  return text.replace(/\n\s*0: [a-z_]+::[\s\S]*$/, "").trim();
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

/** PostgreSQL counts characters from 1. */
function lineOf(script: string, position: string | undefined): string {
  return position === undefined ? "" : `:${script.slice(0, Number(position) - 1).split("\n").length}`;
}

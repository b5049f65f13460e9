import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { AppError } from "../../kernel/app-error.ts";
import { loadPrismaConfig } from "./prisma-config.ts";
import type { PrismaConfig } from "./prisma-config.ts";
import type { Datamodel } from "./schema-engine.ts";

/** Where Prisma finds the parts of a project. All paths are absolute. */
export interface PrismaPaths {
  /** The `prisma.config` file; undefined if there is none. */
  readonly configFile: string | undefined;
  /** The Prisma schema, a file or a folder of files; undefined if there is none. */
  readonly schema: string | undefined;
  /** The folder of the migrations, whether or not it exists. */
  readonly migrations: string;
  /** The database that `prisma.config` names; undefined if it names none, or takes it from an unset variable. */
  readonly databaseUrl: string | undefined;
  /** The variables that `prisma.config` needs and that are not set. */
  readonly unset: readonly string[];
}

/** Where Prisma looks without a `prisma.config` file. */
const DEFAULT_SCHEMAS = ["schema.prisma", "prisma/schema.prisma"];
const DEFAULT_MIGRATIONS = "prisma/migrations";

/**
 * Finds the Prisma schema and the migrations of a project as Prisma does: in `prisma.config`, else in the default places.
 * @throws AppError INVALID_CONFIG for a `prisma.config` that cannot be loaded, or that names a missing schema
 */
export async function findPrismaPaths(projectDir: string): Promise<PrismaPaths> {
  const config = await loadPrismaConfig(projectDir);
  if (config?.schema !== undefined && !existsSync(config.schema)) {
    throw new AppError(
      "INVALID_CONFIG",
      `${config.file} names ${config.schema} as the Prisma schema; it does not exist`,
    );
  }
  return {
    configFile: config?.file,
    databaseUrl: config?.databaseUrl,
    unset: config?.unset ?? [],
    ...(await findFolders(projectDir, config)),
  };
}

async function findFolders(
  projectDir: string,
  config: PrismaConfig | undefined,
): Promise<Pick<PrismaPaths, "schema" | "migrations">> {
  const schema = config?.schema ?? DEFAULT_SCHEMAS.map((file) => join(projectDir, file)).find(existsSync);
  const migrations = config?.migrations ?? (await defaultMigrations(projectDir, schema));
  return { schema, migrations };
}

/** As Prisma does: beside the schema's file, or in the schema's folder. */
async function defaultMigrations(projectDir: string, schema: string | undefined): Promise<string> {
  if (schema === undefined) {
    return join(projectDir, DEFAULT_MIGRATIONS);
  }
  return join((await stat(schema)).isDirectory() ? schema : dirname(schema), "migrations");
}

/**
 * The files of a Prisma schema, with their paths relative to the project, in the order of their names.
 * @param schema a file or a folder, absolute
 */
export async function readSchemaFiles(projectDir: string, schema: string): Promise<readonly Datamodel[]> {
  const isFolder = (await stat(schema)).isDirectory();
  const files = isFolder
    ? (await readdir(schema, { recursive: true }))
        .filter((name) => name.endsWith(".prisma"))
        .toSorted()
        .map((name) => join(schema, name))
    : [schema];
  return Promise.all(
    files.map(async (file) => ({ path: relative(projectDir, file), content: await readFile(file, "utf8") })),
  );
}

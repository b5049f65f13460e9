import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createJiti } from "jiti";
import { AppError } from "../../kernel/app-error.ts";

/** The part of a project's `prisma.config` that is read here. Its paths are absolute. */
export interface PrismaConfig {
  /** The file itself, absolute. */
  readonly file: string;
  readonly schema: string | undefined;
  readonly migrations: string | undefined;
  /** Undefined if it names none, or takes it from an unset variable. */
  readonly databaseUrl: string | undefined;
  /** The variables that it asks for with `env` and that are not set. */
  readonly unset: readonly string[];
}

const EXTENSIONS = [".js", ".ts", ".mjs", ".cjs", ".mts", ".cts"];
/** Where Prisma looks, in its order. */
const PLACES = [
  "prisma7.config",
  ".config/prisma7",
  "prisma.config",
  "prisma.config/index",
  ".config/prisma",
  ".config/prisma/index",
  ".config/prisma.config",
  ".config/prisma.config/index",
];
/** In the place of a variable that `prisma.config` needs and that is unset: nothing that is read here needs a database. */
const NOT_SET = "postgresql://not-set";

/**
 * Loads the `prisma.config` of a project. The file gets stand-ins for `prisma/config`, because Prisma's own loader takes four
 * times as long to load, and refuses a file whose variables are not set.
 * @returns undefined if the project has none
 * @throws AppError INVALID_CONFIG for a file that cannot be loaded, and for a path or address that is not a text
 */
export async function loadPrismaConfig(projectDir: string): Promise<PrismaConfig | undefined> {
  const file = PLACES.flatMap((place) =>
    EXTENSIONS.map((extension) => join(projectDir, place + extension)),
  ).find((path) => existsSync(path));
  if (file === undefined) {
    return undefined;
  }
  const unset: string[] = [];
  const config = await importConfig(file, unset);
  const pathOf = (member: string): string | undefined => {
    const path = textIn(file, config, member);
    return path === undefined ? undefined : resolve(dirname(file), path);
  };
  const databaseUrl = textIn(file, config, "datasource.url");
  return {
    file,
    schema: pathOf("schema"),
    migrations: pathOf("migrations.path"),
    databaseUrl: databaseUrl === NOT_SET ? undefined : databaseUrl,
    unset,
  };
}

/** The default export of the file. @param unset gets the names of variables that are not set */
async function importConfig(file: string, unset: string[]): Promise<unknown> {
  const prisma = {
    defineConfig: (config: unknown) => config,
    env(name: string) {
      // oxlint-disable-next-line node/no-process-env -- as Prisma's `env`, which the file thinks it calls
      const value = process.env[name];
      if (!value) {
        unset.push(name);
      }
      return value || NOT_SET;
    },
  };
  const loader = createJiti(import.meta.url, {
    moduleCache: false,
    virtualModules: { "prisma/config": prisma, "@prisma/config": prisma },
  });
  try {
    return await loader.import(file, { default: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError("INVALID_CONFIG", `${file} cannot be loaded: ${reason}`, { cause });
  }
}

/** @param member such as `datasource.url`. @returns undefined for none, and for an empty text */
function textIn(file: string, config: unknown, member: string): string | undefined {
  let value = config;
  for (const name of member.split(".")) {
    value = (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  }
  if (value !== undefined && typeof value !== "string") {
    throw new AppError("INVALID_CONFIG", `${file} cannot be loaded: ${member} must be a text`);
  }
  return value === "" ? undefined : value;
}

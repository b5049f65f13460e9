import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import { AppError } from "../kernel/app-error.ts";
import type { PrismaPaths } from "../adapters/prisma/prisma-paths.ts";
import { findPrismaPaths, readSchemaFiles } from "../adapters/prisma/prisma-paths.ts";
import type { Manifest } from "./manifest.ts";
import type { PrismaVersions } from "./prisma-version.ts";

/** A file of the Prisma schema. */
export interface SchemaFile {
  /** Relative to the project. */
  readonly path: string;
  readonly content: string;
}

/** What a project has before `init`. */
export interface ProjectFacts {
  /** Absolute. */
  readonly dir: string;
  readonly manifestText: string;
  readonly versions: PrismaVersions;
  readonly paths: PrismaPaths;
  /** The files of the Prisma schema; empty if there is none. */
  readonly schemaFiles: readonly SchemaFile[];
  /** The texts of files that `init` may write or add to, by their names. Undefined for those that do not exist. */
  readonly texts: Readonly<Record<InitFile, string | undefined>>;
  readonly isGitRepository: boolean;
}

const INIT_FILES = ["powercrud.config.ts", ".env.example", ".env", ".gitignore", "tsconfig.json"] as const;
type InitFile = (typeof INIT_FILES)[number];

/** Where a schema of several files is often kept. Prisma itself looks there only if its config file says so. */
const SCHEMA_FOLDERS = ["prisma/schema", "prisma"];

/**
 * Reads what `init` has to know of a project.
 * @throws AppError INVALID_CONFIG if it has no package.json, or a prisma.config that cannot be loaded
 */
export async function inspectProject(dir: string): Promise<ProjectFacts> {
  const manifestText = await readText(dir, "package.json");
  if (manifestText === undefined) {
    throw new AppError("INVALID_CONFIG", `${dir} has no package.json. Make one with: npm init -y`);
  }
  const manifest = parseManifest(dir, manifestText);
  const found = await findPrismaPaths(dir);
  const paths = found.schema === undefined ? await guessPaths(dir, manifest, found) : found;
  const texts = await Promise.all(INIT_FILES.map(async (name) => [name, await readText(dir, name)] as const));
  return {
    dir,
    manifestText,
    versions: {
      manifest,
      installed: definedMembers({
        prisma: installedVersion(dir, "prisma"),
        "@prisma/client": installedVersion(dir, "@prisma/client"),
      }),
    },
    paths,
    schemaFiles: paths.schema === undefined ? [] : await readSchemaFiles(dir, paths.schema),
    texts: Object.fromEntries(texts) as ProjectFacts["texts"],
    isGitRepository: existsSync(join(dir, ".git")),
  };
}

function parseManifest(dir: string, text: string): Manifest {
  try {
    return JSON.parse(text) as Manifest;
  } catch (cause) {
    throw new AppError("INVALID_CONFIG", `${join(dir, "package.json")} is not valid JSON`, { cause });
  }
}

/** The schema where Prisma 6 found it, or where a folder of files often is. Prisma 7 wants such a place in its config file. */
async function guessPaths(dir: string, { prisma }: Manifest, paths: PrismaPaths): Promise<PrismaPaths> {
  const folders = prisma?.schema === undefined ? SCHEMA_FOLDERS : [prisma.schema];
  for (const folder of folders.map((name) => join(dir, name)).filter(existsSync)) {
    if ((await readSchemaFiles(dir, folder)).length > 0) {
      const { migrations } = paths;
      return { ...paths, schema: folder, migrations };
    }
  }
  return paths;
}

function installedVersion(dir: string, name: string): string | undefined {
  try {
    const file = createRequire(join(dir, "package.json")).resolve(`${name}/package.json`);
    return (createRequire(file)(file) as { readonly version: string }).version;
  } catch {
    return undefined;
  }
}

async function readText(dir: string, name: string): Promise<string | undefined> {
  return readFile(join(dir, name), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") {
      return undefined;
    }
    throw error;
  });
}

function definedMembers<Value>(
  members: Readonly<Record<string, Value | undefined>>,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
}

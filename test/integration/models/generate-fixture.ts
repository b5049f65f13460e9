import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, symlink } from "node:fs/promises";
import { basename, delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { openSchemaEngine } from "../../../src/adapters/prisma/schema-engine.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import type { GeneratedCode } from "./models-fixture.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

/**
 * Runs `prisma generate` on a schema, as an app's developer would, and makes the SQL of its tables.
 * @param schema a file, or a folder of files
 */
export async function generateFixture(schema: string): Promise<GeneratedCode & { remove(): Promise<void> }> {
  const folder = await createTemporaryFolder("generate");
  const path = join(folder.path, basename(schema));
  await mkdir(folder.path, { recursive: true });
  await cp(schema, path, { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder.path, "node_modules"));
  await promisify(execFile)(
    process.execPath,
    [join(ROOT, "node_modules/prisma/build/index.js"), "generate", "--schema", path],
    // `generate` does not run the schema engine, but would download one if it found none.
    {
      cwd: folder.path,
      env: {
        ...process.env,
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        PATH: [join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
      },
    },
  );
  const { generated } = (await import(join(folder.path, "generated/powercrud.ts"))) as {
    readonly generated: GeneratedCode;
  };
  return {
    ...generated,
    sql: await tablesSql(path),
    remove: () => folder.remove(),
  };
}

async function tablesSql(path: string): Promise<string> {
  const database = await createTestDatabase({ isEmpty: true });
  const files = await readdir(path).then(
    (names) => names.toSorted().map((name) => join(path, name)),
    () => [path],
  );
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const datamodel = { path: "schema.prisma", content: texts.join("\n") };
  const engine = await openSchemaEngine({
    databaseUrl: database.url,
    schema: "public",
    datamodels: [datamodel],
  });
  try {
    return (await engine.diffToDatamodels([datamodel])) ?? "";
  } finally {
    await engine.close();
    await database.drop();
  }
}

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { basename, delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { inject } from "vitest";
import { madeOnce } from "../../support/made-once.ts";
import { tablesSql } from "../../support/tables-sql.ts";
import type { GeneratedCode } from "./models-fixture.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

/**
 * Runs `prisma generate` on a schema, as an app's developer would, and makes the SQL of its tables; once in a run, for all files
 * that have this schema.
 * @param schema a file, or a folder of files
 */
export async function generateFixture(schema: string): Promise<GeneratedCode> {
  const texts = await textsOf(schema);
  const hash = createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 16);
  const folder = join(inject("sharedFolder"), `${basename(schema)}-${hash}`);
  const sqlFile = `${folder}.sql`;
  await madeOnce(sqlFile, async () => {
    await rm(folder, { recursive: true, force: true });
    await generate(schema, folder);
    await writeFile(sqlFile, await tablesSql(texts));
  });
  const { generated } = (await import(join(folder, "generated/powercrud.ts"))) as {
    readonly generated: GeneratedCode;
  };
  return { ...generated, sql: await readFile(sqlFile, "utf8") };
}

async function generate(schema: string, folder: string): Promise<void> {
  const path = join(folder, basename(schema));
  await mkdir(folder, { recursive: true });
  await cp(schema, path, { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await promisify(execFile)(
    process.execPath,
    [join(ROOT, "node_modules/prisma/build/index.js"), "generate", "--schema", path],
    // `generate` does not run the schema engine, but would download one if it found none.
    {
      cwd: folder,
      env: {
        ...process.env,
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        // It would start another process that asks for newer versions.
        CHECKPOINT_DISABLE: "1",
        PATH: [join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
      },
    },
  );
}

async function textsOf(schema: string): Promise<readonly string[]> {
  const files = await readdir(schema).then(
    (names) => names.toSorted().map((name) => join(schema, name)),
    () => [schema],
  );
  return Promise.all(files.map((file) => readFile(file, "utf8")));
}

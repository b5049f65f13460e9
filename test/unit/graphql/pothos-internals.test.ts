import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";

const FOLDER = resolve(import.meta.dirname, "../../../node_modules/@pothos/plugin-prisma");

/** The version whose internals `connectionSelect` in src/graphql/models/pothos-dynamic.ts was written for. */
const VERSION = "4.17.0";

async function readPackage(): Promise<{ readonly version: string; readonly adapter: string }> {
  const manifest = JSON.parse(await readFile(join(FOLDER, "package.json"), "utf8")) as { version: string };
  const adapter = await readFile(join(FOLDER, "src/util/adapter.ts"), "utf8");
  return { version: manifest.version, adapter };
}

it("the Prisma plugin is of the version whose internal extension pothosPrismaSelect the schema uses", async () => {
  const { version, adapter } = await readPackage();
  // If this fails: check that a field's extension is still called with (args, context, nested, selectedFields), run
  // test/integration/models/models-queries.test.ts, and set VERSION.
  expect(version).toBe(VERSION);
  expect(adapter).toContain("field.extensions?.pothosPrismaSelect");
});

import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { loadConfigFromFile } from "@prisma/config";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadPrismaConfig } from "../../../../src/adapters/prisma/prisma-config.ts";
import { createTemporaryFolder, type TemporaryFolder } from "../../../support/temporary-folder.ts";

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await createTemporaryFolder("prisma-config");
  // Prisma's own loader needs its packages.
  await symlink(resolve("node_modules"), join(folder.path, "node_modules"));
});
afterAll(() => folder.remove());

/** A new project with these files. @returns its folder */
async function projectWith(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = join(folder.path, String(Math.random()).slice(2));
  for (const [name, text] of Object.entries({ "package.json": "{}", ...files })) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  return dir;
}

const WHOLE = `import { join } from "node:path";
import { defineConfig, env } from "prisma/config";
import type { PrismaConfig } from "prisma/config";
const datasource = { url: env("PATH") };
export default defineConfig({
  schema: join("db", "schema"), migrations: { path: "./db/changes", seed: "node seed.js" }, datasource,
} satisfies PrismaConfig);`;
const PLAIN = `export default { schema: "here.prisma" };`;

it.each<[string, Readonly<Record<string, string>>]>([
  ["prisma.config.ts", { "prisma.config.ts": WHOLE }],
  ["a plain object", { "prisma.config.ts": PLAIN }],
  ["CommonJS", { "prisma.config.cjs": `module.exports = { schema: "/else/where.prisma" };` }],
  ["a file beside it", { "prisma.config.mts": `export { default } from "./db.ts";`, "db.ts": PLAIN }],
  ["the folder .config", { ".config/prisma.ts": PLAIN }],
  [
    "the first of two",
    { "prisma7.config.js": PLAIN, "prisma.config.js": "export default { schema: 'no' };" },
  ],
])("is read as Prisma reads it: %s", async (_name, files) => {
  const dir = await projectWith(files);
  const read = await loadPrismaConfig(dir);
  const { config, resolvedPath } = await loadConfigFromFile({ configRoot: dir });
  expect(read).toEqual({
    file: resolvedPath,
    schema: config?.schema,
    migrations: config?.migrations?.path,
    databaseUrl: config?.datasource?.url,
    unset: [],
  });
});

it("is undefined for a project without one", async () => {
  expect(await loadPrismaConfig(await projectWith({}))).toBeUndefined();
});

it("names unset variables, where Prisma refuses the whole file", async () => {
  const dir = await projectWith({ "prisma.config.ts": WHOLE.replace('"PATH"', '"NO_SUCH_VARIABLE"') });
  expect(await loadPrismaConfig(dir)).toMatchObject({
    schema: join(dir, "db/schema"),
    databaseUrl: undefined,
    unset: ["NO_SUCH_VARIABLE"],
  });
});

it.each([
  [`import "./missing.ts";`, "missing"],
  ["export default {", "Unexpected token"],
  ["export default { schema: 5 };", "schema must be a text"],
  ["export default { datasource: { url: null } };", "datasource.url must be a text"],
])("refuses %s with the reason", async (text, reason) => {
  const dir = await projectWith({ "prisma.config.ts": text });
  await expect(loadPrismaConfig(dir)).rejects.toThrow(
    new RegExp(`${join(dir, "prisma.config.ts")} cannot be loaded: .*${reason}`),
  );
});

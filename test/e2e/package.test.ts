import { execFile } from "node:child_process";
import { cp, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { packedPackage } from "../support/packed-package.ts";
import { createTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

/** TypeScript that Node itself does not run: an import without extension, one of a `.ts` as `.js`, a cycle, an enum. */
const PROJECT = {
  "package.json": JSON.stringify({ type: "module", dependencies: { "powercrud-graphql": "*" } }),
  "tasks/late.ts": `import { early } from "./early.ts";
export const late = (): number => early() + 1;`,
  "tasks/early.ts": `import { late } from "./late.js";
export function early(): number { return 1; }
export enum Mood { GOOD = "good" }
export const viaLate = (): number => late();`,
  "powercrud.config.ts": `import { AppError, defineConfig } from "powercrud-graphql";
import { untilSettled } from "powercrud-graphql/testing";
import { GraphQLSchema } from "graphql";
import { PrismaClientKnownRequestError } from "@prisma/client/runtime/client";
import { generated } from "./generated/powercrud.ts";
import { Mood, viaLate } from "./tasks/early";
interface Probes { readonly [name: string]: unknown }
export const probes: Probes = { AppError, untilSettled, GraphQLSchema, PrismaClientKnownRequestError,
  mood: Mood.GOOD, cycle: viaLate(), awaited: await Promise.resolve("awaited"),
  dirname: import.meta.dirname, url: import.meta.url,
  lazy: async () => (await import("./tasks/late.ts")).late(),
  line: () => /config\\.ts:(\\d+)/.exec(String(new Error("here").stack))?.[1] };
export default defineConfig({ generated, models: { City: { plural: "towns" } } });`,
  "probe.mjs": `import { AppError } from "powercrud-graphql";
import { untilSettled } from "powercrud-graphql/testing";
import { GraphQLSchema } from "graphql";
import { PrismaClientKnownRequestError } from "@prisma/client/runtime/client";
import { importTypeScript } from "./node_modules/powercrud-graphql/dist/cli/import-typescript.js";
const { probes } = await importTypeScript(process.cwd() + "/powercrud.config.ts");
const { mood, cycle, awaited, dirname, url } = probes;
console.log(JSON.stringify({
  isOne: probes.AppError === AppError && probes.untilSettled === untilSettled && probes.GraphQLSchema === GraphQLSchema
    && probes.PrismaClientKnownRequestError === PrismaClientKnownRequestError,
  mood, cycle, awaited, dirname, url, lazy: await probes.lazy(), line: probes.line(),
}));`,
};

let folder: TemporaryFolder;
let database: TestDatabase;
beforeAll(async () => {
  folder = await createTemporaryFolder("package");
  database = await createTestDatabase({ isEmpty: true });
  await unpack(await packedPackage());
  for (const [file, text] of Object.entries(PROJECT)) {
    await mkdir(join(folder.path, file, ".."), { recursive: true });
    await writeFile(join(folder.path, file), text);
  }
  await cp(join(ROOT, "prisma"), join(folder.path, "prisma"), { recursive: true });
  await cp(join(ROOT, "src/generated"), join(folder.path, "generated"), { recursive: true });
});
afterAll(async () => {
  await database.drop();
  await folder.remove();
});

/** Installs the package as npm does, with the packages of this checkout beside it. */
async function unpack(tarball: string): Promise<void> {
  const modules = join(folder.path, "node_modules");
  await mkdir(modules);
  await run("tar", ["xzf", tarball, "-C", modules]);
  await run("mv", [join(modules, "package"), join(modules, "powercrud-graphql")]);
  for (const name of await readdir(join(ROOT, "node_modules"))) {
    await symlink(join(ROOT, "node_modules", name), join(modules, name));
  }
  // Nothing of the package may need them.
  await Promise.all(["tsx", "typescript", "esbuild"].map((name) => rm(join(modules, name))));
}

function powercrud(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const program = join(folder.path, "node_modules/powercrud-graphql/bin/powercrud.mjs");
  const env = {
    PATH: process.env["PATH"],
    DATABASE_URL: database.url,
    POWERCRUD_LOG_LEVEL: "warn",
  };
  return run(process.execPath, [program, ...args], { cwd: folder.path, env });
}

describe("the packed package", () => {
  it("loads a project's TypeScript, sharing one instance of each package", async () => {
    const { stdout, stderr } = await run(process.execPath, ["probe.mjs"], { cwd: folder.path });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      isOne: true,
      mood: "good",
      cycle: 2,
      awaited: "awaited",
      dirname: folder.path,
      url: expect.stringMatching(/^file:.*\/powercrud\.config\.ts$/),
      lazy: 2,
      line: "12",
    });
  });

  it("serves the models of the project in the working folder, without a warning", async () => {
    const { stdout, stderr } = await powercrud("print-schema");
    expect(stdout).toContain("bulkDeleteTowns(");
    expect(stderr).toBe("");
  });

  it("finds its migrations and database functions", async () => {
    const { stdout, stderr } = await powercrud("migrate");
    expect(stdout.split("\n")).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^applied \d+_engine$/),
        "applied functions",
        "the database is up to date",
      ]),
    );
    expect(stderr).toBe("");
    expect((await powercrud("doctor")).stdout).toContain("All migrations are applied.");
  });

  it("tells its version", async () => {
    const { version } = JSON.parse(
      (await run("tar", ["xzOf", await packedPackage(), "package/package.json"])).stdout,
    ) as { version: string };
    expect((await powercrud("--version")).stdout).toBe(`${version}\n`);
  });
});

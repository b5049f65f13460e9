import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { prepare } from "../../../scripts/prepare.mjs";
import { createTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const LOCKFILE = JSON.stringify({
  packages: {
    "": { name: "x" },
    "node_modules/a": { version: "1.0.0" },
    "node_modules/other-platform": { version: "2.0.0", optional: true },
  },
});
/** Replaces Prisma: counts its runs, and writes the files that the generators would write. */
const GENERATOR = `
const { appendFileSync, mkdirSync, writeFileSync, existsSync } = require("node:fs");
if (!existsSync(process.env.PRISMA_SCHEMA_ENGINE_BINARY)) process.exit(3);
appendFileSync("runs", process.argv[2] + "\\n");
mkdirSync("src/generated/prisma", { recursive: true });
writeFileSync("src/generated/prisma/client.ts", "");
writeFileSync("src/generated/powercrud.ts", "");
`;

let folder: TemporaryFolder;

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), text);
  }
}

async function runCount(): Promise<number> {
  const text = await readFile(join(folder.path, "runs"), "utf8").catch(() => "");
  return text.split("\n").filter((line) => line === "generate").length;
}

beforeEach(async () => {
  folder = await createTemporaryFolder("prepare");
  await write({
    "package-lock.json": LOCKFILE,
    "node_modules/.package-lock.json": JSON.stringify({
      packages: { "node_modules/a": { version: "1.0.0" } },
    }),
    "node_modules/prisma/build/index.js": GENERATOR,
    "prisma/schema.prisma": "model A {}",
  });
});

afterEach(() => folder.remove());

test("packages that npm has installed are not installed again, and the client is generated once", async () => {
  await prepare({ root: folder.path });
  await prepare({ root: folder.path });
  expect(await runCount()).toBe(1);
  expect(existsSync(join(folder.path, "node_modules/.powercrud-stamp"))).toBe(true);
  // Prisma runs a generator by its name, found in this folder.
  expect(await readFile(join(folder.path, "node_modules/.bin/powercrud-generator"), "utf8")).toContain(
    "scripts/powercrud-generator.mjs",
  );
});

test("a changed schema, a missing file or force generates the client again", async () => {
  await prepare({ root: folder.path });
  const inputs = [
    "prisma/schema.prisma",
    "prisma/models/b.prisma",
    "src/generator/x.ts",
    "node_modules/prisma/package.json",
  ];
  for (const [at, input] of inputs.entries()) {
    await write({ [input]: "{}" });
    await prepare({ root: folder.path });
    expect(await runCount()).toBe(2 + at);
  }
  await prepare({ root: folder.path, isGenerateForced: true });
  expect(await runCount()).toBe(6);
});

test("only one of several concurrent runs generates", async () => {
  await Promise.all([1, 2, 3].map(() => prepare({ root: folder.path })));
  expect(await runCount()).toBe(1);
});

test("a generator that fails is reported, and tried again", async () => {
  await write({ "node_modules/prisma/build/index.js": "process.exit(7)" });
  await expect(prepare({ root: folder.path })).rejects.toThrow(
    "the Prisma client could not be generated: prisma generate ended with 7",
  );
  await write({ "node_modules/prisma/build/index.js": GENERATOR });
  await prepare({ root: folder.path });
  expect(await runCount()).toBe(1);
});

import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const CONFIG = ".dependency-cruiser.cjs";
const BINARY = join(ROOT, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");

interface Violation {
  from: string;
  rule: { name: string };
  /** The files of a cycle. Any of them may come first. */
  cycle?: { name: string }[];
}

interface Cruise {
  sources: string[];
  violations: Violation[];
}

/** Runs dependency-cruiser as `npm run floors` does, and reads its report. */
async function cruise(folder: string): Promise<Cruise> {
  const args = [BINARY, "--config", CONFIG, "--output-type", "json", "src"];
  const options = { cwd: folder, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  const report: { modules: { source: string }[]; summary: { violations: Violation[] } } = JSON.parse(stdout);
  return { sources: report.modules.map(({ source }) => source), violations: report.summary.violations };
}

const HOUSE = {
  "src/kernel/clock.ts": "export const clock = 1;",
  "src/core/tasks/task.ts": 'import { clock } from "../../kernel/clock.ts"; export const task = clock;',
  "src/core/tasks/task-type.ts": "export interface TaskType { id: string }",
  "src/core/tasks/settle/settle-task.ts": 'import { task } from "../task.ts"; export const settle = task;',
  "src/core/tasks/launch/launch-task.ts":
    'import { settle } from "../settle/settle-task.ts"; export const launch = settle;',
  "src/adapters/redis/redis-lock.ts":
    'import { task } from "../../core/tasks/task.ts"; export const redisLock = task;',
  "src/compose/compose.ts": 'export { redisLock } from "../adapters/redis/redis-lock.ts";',
  "src/index.ts": 'export { redisLock } from "./compose/compose.ts";',
  "src/generated/client.ts": "export const client = 1;",
  "powercrud.config.ts": 'export { redisLock } from "./src/index.ts";',
  "test/fake.ts": "export const fake = 1;",
};

const PLANTED = {
  "an import from a floor above": {
    rule: "floor-core",
    file: "src/core/upward.ts",
    text: 'import { redisLock } from "../adapters/redis/redis-lock.ts"; export const upward = redisLock;',
  },
  "a type-only import from a floor above": {
    rule: "floor-kernel",
    file: "src/kernel/upward-type.ts",
    text: 'import type { TaskType } from "../core/tasks/task-type.ts"; export type UpwardType = TaskType;',
  },
  "a step upwards inside core": {
    rule: "core-floor-tasks",
    file: "src/core/tasks/upward.ts",
    text: 'import { settle } from "./settle/settle-task.ts"; export const upward = settle;',
  },
  "a step upwards inside the tasks": {
    rule: "core-floor-tasks-settle",
    file: "src/core/tasks/settle/upward.ts",
    text: 'import { launch } from "../launch/launch-task.ts"; export const upward = launch;',
  },
  "a folder of core that the table does not know": {
    rule: "core-known-floors-only",
    file: "src/core/attic/unknown-room.ts",
    text: 'import { clock } from "../../kernel/clock.ts"; export const unknownRoom = clock;',
  },
  "an adapter that reaches into another": {
    rule: "adapters-are-strangers",
    file: "src/adapters/postgres/sibling.ts",
    text: 'import { redisLock } from "../redis/redis-lock.ts"; export const sibling = redisLock;',
  },
  "a cycle": {
    rule: "no-circular",
    file: "src/core/circle.ts",
    text: 'import { round } from "./circle-back.ts"; export const circle = (): unknown => round;',
  },
  "a cycle of types": {
    rule: "no-circular",
    file: "src/core/type-circle.ts",
    text: 'import type { Round } from "./type-circle-back.ts"; export interface Circle { round: Round }',
  },
  "a node built-in in core": {
    rule: "pure-floors",
    file: "src/core/reads-files.ts",
    text: 'import { readFileSync } from "node:fs"; export const readsFiles = readFileSync;',
  },
  "a package in core": {
    rule: "pure-floors",
    file: "src/core/uses-package.ts",
    text: 'import { parse } from "graphql"; export const usesPackage = parse;',
  },
  "a package's type in kernel": {
    rule: "pure-floors",
    file: "src/kernel/uses-package-type.ts",
    text: 'import type { DocumentNode } from "graphql"; export type UsesPackageType = DocumentNode;',
  },
  "a floor that the table does not know": {
    rule: "known-floors-only",
    file: "src/utils/unknown-floor.ts",
    text: 'import { clock } from "../kernel/clock.ts"; export const unknownFloor = clock;',
  },
  "shipped code that imports a test": {
    rule: "nothing-outside-src",
    file: "src/server/uses-test.ts",
    text: 'import { fake } from "../../test/fake.ts"; export const usesTest = fake;',
  },
  "an import of a file that is not there": {
    rule: "no-unresolvable",
    file: "src/graphql/unresolvable.ts",
    text: 'import { gone } from "./gone.ts"; export const unresolvable = gone;',
  },
  "shipped code that imports the project": {
    rule: "nothing-outside-src",
    file: "src/cli/uses-project.ts",
    text: 'import { redisLock } from "../../powercrud.config.ts"; export const usesProject = redisLock;',
  },
  "a floor that imports the demo's generated code": {
    rule: "floor-compose",
    file: "src/compose/uses-generated.ts",
    text: 'import { client } from "../generated/client.ts"; export const usesGenerated = client;',
  },
  "a public library that depends on the command line": {
    rule: "library-without-cli",
    file: "src/index.ts",
    text: 'export { command } from "./cli/command.ts";',
  },
};

const BESIDE_THE_PLANTED = {
  "src/core/circle-back.ts":
    'import { circle } from "./circle.ts"; export const round = (): unknown => circle;',
  "src/core/type-circle-back.ts":
    'import type { Circle } from "./type-circle.ts"; export interface Round { circle: Circle }',
  "src/cli/command.ts": "export const command = 1;",
};

async function build(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await copyFile(join(ROOT, CONFIG), join(folder, CONFIG));
  await copyFile(join(ROOT, "tsconfig.json"), join(folder, "tsconfig.json"));
  await copyFile(join(ROOT, "package.json"), join(folder, "package.json"));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), `${text}\n`);
  }
}

describe("the source", () => {
  test("follows its layers, and every file was checked", async () => {
    const { sources, violations } = await cruise(ROOT);
    const isOurs = (file: string): boolean =>
      /\.(tsx?|mjs)$/.test(file) && !/^src\/(?:dashboard\/)?generated\//.test(file);
    const files = (await readdir(join(ROOT, "src"), { recursive: true })).map((file) => `src/${file}`);
    const ours = files.filter((file) => isOurs(file)).toSorted();
    expect(violations).toEqual([]);
    expect(ours.length).toBeGreaterThan(0);
    expect(sources.filter((file) => file.startsWith("src/") && isOurs(file)).toSorted()).toEqual(ours);
  });
});

describe("a planted violation is found:", () => {
  let folder: TemporaryFolder;
  let violations: Violation[];

  beforeAll(async () => {
    folder = await createTemporaryFolder("floors");
    const planted = Object.fromEntries(Object.values(PLANTED).map(({ file, text }) => [file, text]));
    await build(folder.path, { ...HOUSE, ...planted, ...BESIDE_THE_PLANTED });
    ({ violations } = await cruise(folder.path));
  });

  afterAll(() => folder.remove());

  test.each(Object.entries(PLANTED))("%s", (_what, { rule, file }) => {
    const concerned = violations.filter(
      ({ from, cycle = [] }) => from === file || cycle.some(({ name }) => name === file),
    );
    expect(concerned.map((violation) => violation.rule.name)).toContain(rule);
  });
});

test("a source without violations in the same place passes", async () => {
  const folder = await createTemporaryFolder("clean-floors");
  try {
    await build(folder.path, HOUSE);
    const { sources, violations } = await cruise(folder.path);
    expect(violations).toEqual([]);
    expect(sources).toEqual(
      expect.arrayContaining(Object.keys(HOUSE).filter((file) => file.startsWith("src/"))),
    );
  } finally {
    await folder.remove();
  }
});

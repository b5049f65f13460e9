import { fileURLToPath } from "node:url";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

const SERVICES = "./test/support/global-setup.ts";
const END_PROCESSES = "./test/support/end-processes.ts";

interface ProjectOptions {
  testTimeout: number;
  /** Projects that talk to PostgreSQL or Redis share one real server of each. */
  needsServices: boolean;
  /** Instead of the folder that the project is named after. */
  include?: string[];
  env?: Record<string, string>;
  /** Projects of a higher number run after those of a lower one. */
  groupOrder?: number;
  /** Run before each test file. */
  setupFiles?: string[];
}

function project(
  name: string,
  {
    testTimeout,
    needsServices,
    include = [`test/${name}/**/*.test.ts`],
    env = {},
    groupOrder = 0,
    setupFiles = [],
  }: ProjectOptions,
): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      include,
      env,
      testTimeout,
      // The files of a worker share its modules: to load them anew takes longer than most files.
      isolate: false,
      setupFiles,
      // A poll waits for a signal; on a busy machine one second, the default, is not enough for it.
      expect: { poll: { timeout: Math.min(testTimeout, 20_000) } },
      sequence: { groupOrder },
      hookTimeout: Math.max(testTimeout, 120_000),
      ...(needsServices ? { globalSetup: SERVICES } : {}),
    },
  };
}

export default defineConfig({
  resolve: {
    // Everybody's graphql must be one module: packages load the CommonJS build, which Vite would not choose here.
    alias: [
      { find: /^graphql$/, replacement: "graphql/index.js" },
      // As in tsconfig.json: the demo imports the package by its name.
      { find: /^powercrud-graphql$/, replacement: fileURLToPath(new URL("src/index.ts", import.meta.url)) },
    ],
  },
  test: {
    // Tests wait for servers half of the time, so two cores, as the slowest supported machine has, keep four workers busy.
    maxWorkers: 4,
    pool: "forks",
    // A source that one project has transformed is read by the others.
    experimental: { fsModuleCache: true },
    projects: [
      project("unit", { testTimeout: 10_000, needsServices: false }),
      project("contract", { testTimeout: 30_000, needsServices: true }),
      project("integration", {
        testTimeout: 60_000,
        needsServices: true,
      }),
      // What depends on queue or bus, once more with those in Redis. All else is PostgreSQL's on either backend.
      project("integration-redis", {
        testTimeout: 60_000,
        needsServices: true,
        include: [
          "attempts",
          "bulk-update",
          "cancelling",
          "custom-limits",
          "custom-retries",
          "helpers",
          "importing",
          "launch",
          "lost-connections",
          "nested-launches",
          "pausing",
          "stored-progress",
          "task-context",
          "task-hooks",
          "schedules",
          "waiting",
        ]
          .map((name) => `test/integration/engine/${name}.test.ts`)
          .concat("test/integration/clients/restart.test.ts"),
        env: { POWERCRUD_TEST_BACKEND: "redis" },
      }),
      project("e2e", { testTimeout: 240_000, needsServices: true, setupFiles: [END_PROCESSES] }),
      project("architecture", { testTimeout: 120_000, needsServices: false }),
      // Alone, after all others: it starts a deployment of its own, and needs both cores.
      project("chaos", {
        testTimeout: 240_000,
        needsServices: false,
        groupOrder: 1,
        setupFiles: [END_PROCESSES],
      }),
    ],
  },
});

import { describe, expect, test } from "vitest";
import { checkConfig } from "../../../src/compose/check-config.ts";
import type { PowerCrudOptions } from "../../../src/compose/create-powercrud.ts";
import { createPowerCrud } from "../../../src/compose/create-powercrud.ts";
import { completeConfig } from "../../../src/config/config.ts";
import { generated } from "../../../src/generated/powercrud.ts";
import { isAppError } from "../../../src/kernel/app-error.ts";

function problemsOf(check: () => unknown): readonly string[] {
  try {
    check();
    return [];
  } catch (error) {
    return isAppError(error, "INVALID_CONFIG") ? error.message.split("\n") : ["another error"];
  }
}

/** The problems of a config with these members. */
const problems = (members: object): readonly string[] =>
  problemsOf(() => checkConfig({ generated, ...members }));

test("a config with every member is accepted", () => {
  const call = (): undefined => undefined;
  const recordHooks = [
    "beforeCreate",
    "beforeUpdate",
    "beforeDelete",
    "afterCreate",
    "afterUpdate",
    "afterDelete",
  ];
  const taskHooks = ["beforeCreate", "create", "start", "progress", "complete", "fail", "cancel", "cleanup"];
  const all = (names: readonly string[]): object => Object.fromEntries(names.map((name) => [name, call]));
  expect(
    problems({
      models: {
        City: {
          isExposed: true,
          plural: "towns",
          access: {
            read: call,
            create: true,
            update: call,
            delete: false,
            fields: { name: { read: call, write: false } },
          },
          lockScope: call,
          fields: {
            name: {
              isExposed: true,
              isReadOnly: false,
              isFilterable: true,
              isSortable: true,
              isBulkWritable: true,
            },
            country: { isExposed: false },
            notes: undefined,
          },
          bulk: { parallelism: 1, chunkRecords: 1 },
          validate: call,
          hooks: all(recordHooks),
          persist: call,
        },
        Country: undefined,
        Tag: { access: call },
        Language: { access: false },
      },
      tasks: [
        {
          kind: "rebuild",
          description: "Rebuilds.",
          input: {},
          model: "City",
          generated: {},
          label: call,
          total: call,
          claims: call,
          access: call,
          retries: { max: 3, backoff: "fixed", delayMs: 1, maxDelayMs: 1 },
          concurrency: { max: 1, perKey: call },
          timeoutMs: 1,
          isDryRunnable: true,
          run: call,
        },
      ],
      hooks: all(taskHooks),
      seed: { variables: {}, run: call },
    }),
  ).toEqual([]);
  expect(problems({ seed: call })).toEqual([]);
  expect(problems({})).toEqual([]);
});

test("all problems are told at once, each with its place and the nearest name", () => {
  expect(
    problems({
      model: {},
      models: {
        Citty: {},
        City: {
          plurals: "towns",
          fields: { populaton: {}, name: { isExposd: false }, notes: { isReadOnly: "yes" } },
          bulk: { paralelism: 1 },
        },
        Tag: { hooks: { afterUpdte: () => undefined } },
      },
      tasks: [{ kind: "rebuild", handle: () => undefined, model: "Citty", retries: { delay: 1 } }],
      hooks: { completed: () => undefined },
      seed: { varables: {}, run: () => undefined },
    }),
  ).toEqual([
    "model is not an option; did you mean models?",
    "models.Citty is not a model of the Prisma schema; did you mean City?",
    "models.City.plurals is not an option; did you mean plural?",
    "models.City.fields.populaton is not a field of the model; did you mean population?",
    "models.City.fields.name.isExposd is not an option; did you mean isExposed?",
    'models.City.fields.notes.isReadOnly must be true or false, but is "yes"',
    "models.City.bulk.paralelism is not an option; did you mean parallelism?",
    "models.Tag.hooks.afterUpdte is not an option; did you mean afterUpdate?",
    "tasks[0].handle is not an option; known: kind, description, input, model, generated, label, total, claims, dependents, access, retries, concurrency, timeoutMs, notify, isDryRunnable, hooks, run, types",
    "tasks[0].run is missing",
    'tasks[0].model ("Citty") is not a model of the Prisma schema; did you mean City?',
    "tasks[0].retries.delay is not an option; did you mean delayMs?",
    "tasks[0].retries.max is missing",
    "hooks.completed is not an option; did you mean complete?",
    "seed.varables is not an option; did you mean variables?",
  ]);
});

describe("a value of a wrong type is refused:", () => {
  test.each([
    [{ models: [] }, "models must be an object, but is a list"],
    [{ models: { City: null } }, "models.City must be an object, but is null"],
    [{ models: { City: { plural: "" } } }, 'models.City.plural must be a text, but is ""'],
    [{ models: { City: { isExposed: "no" } } }, 'models.City.isExposed must be true or false, but is "no"'],
    [{ models: { City: { access: 1 } } }, "models.City.access must be an object, but is 1"],
    [
      { models: { City: { access: { read: "all" } } } },
      'models.City.access.read must be true or false, but is "all"',
    ],
    [
      { models: { City: { bulk: { parallelism: 0 } } } },
      "models.City.bulk.parallelism must be a whole number from 1 on, but is 0",
    ],
    [{ models: { City: { fields: ["name"] } } }, "models.City.fields must be an object, but is a list"],
    [{ tasks: {} }, "tasks must be a list, but is an object"],
    [
      { tasks: [{ kind: "Re-build", run: () => undefined }] },
      'tasks[0].kind must be a name in camel case, such as rebuildStatistics, but is "Re-build"',
    ],
    [{ hooks: () => undefined }, "hooks must be an object, but is a function"],
    [{ seed: { run: "seed.sql" } }, 'seed.run must be a function, but is "seed.sql"'],
    [{ seed: 1 }, "seed must be an object, but is 1"],
  ])("%j", (members, problem) => {
    expect(problems(members)).toEqual([problem]);
  });
});

test("something that is no generated module is refused, and the rest is checked all the same", () => {
  const words =
    'generated must be imported from the module that `prisma generate` writes (generator "powercrud")';
  for (const wrong of [undefined, {}, { schema: {}, createClient: () => ({}) }, { schema: { models: {} } }]) {
    expect(problemsOf(() => checkConfig({ generated: wrong, modles: {}, models: { Any: {} } }))).toEqual([
      words,
      "modles is not an option; did you mean models?",
    ]);
  }
  expect(problemsOf(() => checkConfig(undefined))).toEqual([
    "the config must be what defineConfig returns, but is undefined",
  ]);
});

test("problems name the file, where there is one", () => {
  expect(problemsOf(() => checkConfig({ generated, models: { Citty: {} } }, "powercrud.config.ts"))).toEqual([
    "powercrud.config.ts: models.Citty is not a model of the Prisma schema; did you mean City?",
  ]);
});

test("options of createPowerCrud are checked with the config in them, before anything is opened", async () => {
  const refused = createPowerCrud({
    app: {},
    config: { generated, models: { Citty: {} } },
    role: "server",
  } as unknown as PowerCrudOptions);
  await expect(refused).rejects.toMatchObject({
    code: "INVALID_CONFIG",
    details: {
      problems: [
        "app is not an option; known: config, databaseUrl, projectDir, role, settings, logger, auditLogger",
        "databaseUrl is missing",
        'role ("server") is not a role; did you mean serve?',
        "models.Citty is not a model of the Prisma schema; did you mean City?",
      ],
    },
  });
});

test("settings of an embedding program are checked in the same way", () => {
  expect(completeConfig({ leaseMs: 5, backend: "postgres" })).toMatchObject({ leaseMs: 5, port: 4000 });
  expect(problemsOf(() => completeConfig({ leasMs: 5, port: "80", isAsyncEnabled: 1 } as object))).toEqual([
    "settings.leasMs is not an option; did you mean leaseMs?",
    'settings.port must be a whole number from 0 on, but is "80"',
    "settings.isAsyncEnabled must be true or false, but is 1",
  ]);
});

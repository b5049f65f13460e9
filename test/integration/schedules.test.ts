import { readFile } from "node:fs/promises";
import { graphql } from "graphql";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrud, PowerCrudConfig, ScheduleOptions } from "../../src/index.ts";
import { createPowerCrud, defineConfig, defineTask } from "../../src/index.ts";
import { generated } from "../../src/generated/powercrud.ts";
import { codeBlocks } from "../support/markdown-code.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

const refresh = defineTask({
  kind: "refreshFigures",
  generated,
  input: z.object({ country: z.string().length(2) }),
  // On whose behalf its statements are sent: see auth.session below.
  run: async ({ input, prisma }) => ({
    refreshed: input.country,
    by: (await prisma.$queryRaw<Session[]>`SELECT current_setting('app.viewer') AS by`)[0]?.by,
  }),
});
interface Session {
  readonly by: string;
}
const other = defineTask({ kind: "other", run: async () => 1 });

let database: TestDatabase;
let api: PowerCrud;
let worker: PowerCrud;

beforeAll(async () => {
  database = await createTestDatabase();
  const config = defineConfig({
    ...demoConfig,
    tasks: [refresh],
    auth: { session: ({ id }) => ({ "app.viewer": id ?? "" }) },
    schedules: [
      {
        name: "nightly",
        cron: "0 3 * * *",
        timeZone: "Europe/Paris",
        task: refresh,
        input: { country: "FR" },
      },
      { name: "busy", cron: "* * * * * *", task: refresh, input: { country: "DE" } },
      {
        name: "robotic",
        cron: "* * * * * *",
        task: refresh,
        input: { country: "FR" },
        viewer: { id: "robot" },
      },
    ],
  });
  const options = { config, databaseUrl: database.url, settings: { workerConcurrency: 2 } };
  api = await createPowerCrud({ ...options, role: "serve" });
  worker = await createPowerCrud({ ...options, role: "work" });
  await api.start();
  await worker.start();
});
afterAll(async () => {
  await worker.stop();
  await api.stop();
  await database.drop();
});

async function execute(source: string): Promise<Record<string, unknown>> {
  const contextValue = { viewer: { id: "ada" } };
  const { data, errors } = await graphql({ schema: api.schema, source, contextValue });
  if (errors !== undefined) {
    throw new Error(JSON.stringify(errors));
  }
  return JSON.parse(JSON.stringify(data)) as Record<string, unknown>;
}

describe("a deployment with schedules", () => {
  it("shows them, with the times in words", async () => {
    const { schedules } = await execute(`{
      schedules { name kind input cron cronInWords timeZone missed isPaused pausedAt lastTask { id } nextRunAt }
    }`);
    expect((schedules as object[])[1]).toEqual({
      // option: schedules
      // option: schedules.name
      // option: schedules.task
      name: "nightly",
      kind: "refreshFigures",
      input: { country: "FR" },
      cron: "0 3 * * *",
      cronInWords: "At 03:00",
      timeZone: "Europe/Paris",
      missed: "ONCE",
      isPaused: false,
      pausedAt: null,
      lastTask: null,
      // option: schedules.cron
      // option: schedules.timeZone
      nextRunAt: expect.stringMatching(/T0[12]:00:00\.000Z$/) as string,
    });
  });

  it("launches their tasks when they are due, and shows what became of them", async () => {
    const lastTasks = async (): Promise<object> => await execute("{ schedules { name lastTask { id } } }");
    const task = { id: expect.any(String) as string };
    await expect.poll(lastTasks).toMatchObject({
      schedules: [{ name: "busy", lastTask: task }, {}, { name: "robotic", lastTask: task }],
    });
    // Otherwise the last one might always be one that has just begun.
    await execute(`mutation {
      busy: pauseSchedule(name: "busy") { __typename } robotic: pauseSchedule(name: "robotic") { __typename }
    }`);
    await vi.waitFor(
      async () => {
        const { schedules, tasks } = await execute(
          `{ schedules { name lastOutcome lastTask { schedule status result createdBy } }
             tasks(where: { schedules: ["busy"] }) { nodes { schedule } totalCount } }`,
        );
        expect(tasks).toMatchObject({ nodes: expect.arrayContaining([{ schedule: "busy" }]) });
        expect(schedules).toMatchObject([
          {
            name: "busy",
            lastOutcome: "LAUNCHED",
            lastTask: {
              schedule: "busy",
              status: "SUCCEEDED",
              // option: schedules.input
              result: { refreshed: "DE", by: "schedule:busy" },
              createdBy: "schedule:busy",
            },
          },
          { name: "nightly" },
          // option: schedules.viewer
          {
            name: "robotic",
            lastTask: { status: "SUCCEEDED", createdBy: "robot", result: { refreshed: "FR", by: "robot" } },
          },
        ]);
      },
      { timeout: 20_000 },
    );
  });

  it("lets people pause, resume and run them", async () => {
    const change = "__typename ... on ScheduleChanged { schedule { isPaused pausedBy nextRunAt } }";
    const { pauseSchedule } = await execute(`mutation { pauseSchedule(name: "nightly") { ${change} } }`);
    expect(pauseSchedule).toEqual({
      __typename: "ScheduleChanged",
      schedule: { isPaused: true, pausedBy: "ada", nextRunAt: null },
    });
    const { runSchedule } = await execute(`mutation {
      runSchedule(name: "nightly") { ... on TaskLaunched { task { kind schedule input createdBy } } }
    }`);
    expect(runSchedule).toEqual({
      task: { kind: "refreshFigures", schedule: "nightly", input: { country: "FR" }, createdBy: "ada" },
    });
    const { resumeSchedule } = await execute(`mutation { resumeSchedule(name: "nightly") { ${change} } }`);
    expect(resumeSchedule).toMatchObject({ schedule: { isPaused: false, pausedBy: null } });
    const refusal = "__typename ... on Error { code message }";
    expect(
      await execute(`mutation {
        pauseSchedule(name: "never") { ${refusal} }
        runSchedule(name: "never") { ${refusal} }
      }`),
    ).toEqual({
      pauseSchedule: {
        __typename: "NotFoundError",
        code: "NOT_FOUND",
        message: 'There is no schedule "never".',
      },
      runSchedule: {
        __typename: "NotFoundError",
        code: "NOT_FOUND",
        message: 'There is no schedule "never".',
      },
    });
  });
});

it("the examples of docs/schedules.md run", async () => {
  const text = await readFile("docs/schedules.md", "utf8");
  const [config = "", use = ""] = codeBlocks(text, "ts");
  const made = await run(config.replace("export default", "return"), {
    defineConfig,
    defineTask,
    z,
    generated,
  });
  const powercrud = await createPowerCrud({ config: made as PowerCrudConfig, databaseUrl: database.url });
  try {
    await powercrud.start();
    const lines: unknown[][] = [];
    await run(use, { powercrud, console: { log: (...words: unknown[]) => lines.push(words) } });
    expect(lines).toEqual([["nightly", expect.any(Date)]]);
    const source = codeBlocks(text, "graphql")[0] ?? "";
    const { data } = await graphql({
      schema: powercrud.schema,
      source,
      contextValue: { viewer: { id: null } },
    });
    expect(data).toMatchObject({
      schedules: [{ name: "nightly", isPaused: false, lastOutcome: "LAUNCHED" }],
    });
  } finally {
    await powercrud.stop();
  }
});

/** Runs code without its imports, which are given. */
async function run(code: string, names: Readonly<Record<string, unknown>>): Promise<unknown> {
  const body = code.replaceAll(/^import .*\n/gm, "");
  // oxlint-disable-next-line typescript/no-implied-eval -- the code is that of our own page
  const call = new Function(...Object.keys(names), `return (async () => {${body}})()`) as (
    ...values: unknown[]
  ) => Promise<unknown>;
  return call(...Object.values(names));
}

it("a config with wrong schedules is refused at the start, with all problems at once", async () => {
  const schedules: readonly ScheduleOptions[] = [
    { name: "a b", cron: "61 * * * *", task: refresh, input: { country: "FRA" } },
    { name: "twice", cron: "0 3 * * *", timeZone: "Europe/Pariss", task: other },
    { name: "twice", cron: "0 0 30 2 *", task: {} as typeof refresh, input: { country: "FR" } },
  ];
  const config = defineConfig({ ...demoConfig, tasks: [refresh], schedules });
  await expect(createPowerCrud({ config, databaseUrl: database.url })).rejects.toMatchObject({
    code: "INVALID_CONFIG",
    details: {
      problems: [
        'schedules[0].name: "a b" must be 1 to 100 letters, digits, ".", "_" or "-", with no sign first',
        "schedules[0].cron: Invalid value for minute: 61",
        expect.stringMatching(/^schedules\[0\]\.input\.country: Too big/),
        'schedules[1].timeZone: "Europe/Pariss" is not a time zone; did you mean Europe/Paris?',
        "schedules[1].task: other is not in the config's tasks; add it there",
        'schedules[2].name: there are two schedules "twice"',
        'schedules[2].cron: "0 0 30 2 *" never comes',
        "schedules[2].task: it must be one of the config's tasks, as defineTask returns it",
      ],
    },
  });
});

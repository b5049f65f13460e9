import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { graphql } from "graphql";
import { z } from "zod";

import demoConfig from "../../../powercrud.config.ts";
import type { PowerCrud } from "../../../src/index.ts";
import { createPowerCrud, defineConfig, defineTask } from "../../../src/index.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const census = defineTask({
  kind: "census",
  description: "Counts the people.",
  input: z.object({
    country: z.string().length(2),
    mode: z.enum(["FAST", "EXACT"]).default("FAST"),
    since: z.iso.datetime().optional(),
    ranges: z.array(z.object({ from: z.int32(), to: z.int32().optional() })).default([]),
    notes: z.record(z.string(), z.string()).optional(),
  }),
  total: () => 1,
  claims: ({ input }) => [{ model: "Country", ids: [input.country] }],
  access: ({ viewer, input }) => viewer.id !== "stranger" || input.country === "XX",
  isDryRunnable: true,
  run: ({ input, isDryRun }) => Promise.resolve({ ...input, isDryRun }),
});
const tidy = defineTask({ kind: "tidy", total: () => 0, run: ({ input }) => Promise.resolve({ input }) });

let database: TestDatabase;
let powercrud: PowerCrud;

beforeAll(async () => {
  database = await createTestDatabase();
  const config = defineConfig({ ...demoConfig, tasks: [census, tidy] });
  powercrud = await createPowerCrud({ config, databaseUrl: database.url, role: "client" });
  await powercrud.start();
});
afterAll(async () => {
  await powercrud.stop();
  await database.drop();
});

const RESULT = `{
  __typename
  ... on TaskLaunched { isDuplicate task { id kind status result label isDryRun kindInfo { name description mutation } } }
  ... on Error { code message }
  ... on ValidationError { problems { field code } }
}`;

async function execute(source: string, viewer = "anna"): Promise<unknown> {
  const result = await graphql({
    schema: powercrud.schema,
    source,
    contextValue: { viewer: { id: viewer } },
  });
  return JSON.parse(JSON.stringify(result.errors ?? result.data));
}

const launchCensus = async (args: string, viewer?: string): Promise<unknown> => {
  const data = await execute(`mutation { launchCensus(${args}) ${RESULT} }`, viewer);
  return (data as { launchCensus?: unknown }).launchCensus ?? data;
};

describe("the mutation of a task of the app's own", () => {
  it("launches it with a typed input, defaults filled in, and the common options", async () => {
    const args = `input: {country: "FR", since: "2026-01-31T13:00:00+01:00", ranges: [{from: 1}], notes: {a: "b"}},
      options: {label: "all of it", mode: SYNC, dryRun: true}`;
    expect(await launchCensus(args)).toEqual({
      __typename: "TaskLaunched",
      isDuplicate: false,
      task: {
        id: expect.any(String) as string,
        kind: "census",
        status: "SUCCEEDED",
        label: "all of it",
        isDryRun: true,
        // option: tasks.run
        result: {
          country: "FR",
          mode: "FAST",
          since: "2026-01-31T12:00:00.000Z",
          ranges: [{ from: 1 }],
          notes: { a: "b" },
          isDryRun: true,
        },
        // option: tasks.kind
        // option: tasks.description
        kindInfo: { name: "census", description: "Counts the people.", mutation: "launchCensus" },
      },
    });
    expect(await execute(`mutation { launchTidy(options: {mode: SYNC}) ${RESULT} }`)).toMatchObject({
      launchTidy: {
        task: {
          status: "SUCCEEDED",
          result: { input: null },
          kindInfo: { name: "tidy", description: null, mutation: "launchTidy" },
        },
      },
    });
  });

  it("returns what the definition's schema refuses as data, with the path of each field", async () => {
    expect(
      // option: tasks.input
      await launchCensus(`input: {country: "FRA", ranges: [{from: 1}, {from: 2, to: null}]}`),
    ).toMatchObject({
      __typename: "ValidationError",
      code: "VALIDATION_FAILED",
      problems: [
        { field: "input.country", code: "VALIDATION_FAILED" },
        { field: "input.ranges.1.to", code: "VALIDATION_FAILED" },
      ],
    });
    expect(await launchCensus(`input: {country: "FR", mode: SLOW}`)).toMatchObject([
      { message: expect.stringContaining('"SLOW" does not exist in "CensusInputMode"') as string },
    ]);
  });

  it("returns a denied launch as data, and writes nothing", async () => {
    const before = await powercrud.tasks.count();
    expect(await launchCensus(`input: {country: "FR"}`, "stranger")).toMatchObject({
      __typename: "ForbiddenError",
      code: "FORBIDDEN",
    });
    expect(await powercrud.tasks.count()).toBe(before);
    expect(await launchCensus(`input: {country: "XX"}`, "stranger")).toMatchObject({
      __typename: "TaskLaunched",
    });
  });

  it("refuses options that do not fit the kind, and repeats a launch by its key", async () => {
    // option: tasks.isDryRunnable
    expect(await execute(`mutation { launchTidy(options: {dryRun: true}) ${RESULT} }`)).toMatchObject({
      launchTidy: { __typename: "ValidationError", problems: [{ field: "options.dryRun" }] },
    });
    expect(await launchCensus(`input: {country: "FR"}, options: {onConflict: SKIP}`)).toMatchObject({
      problems: [{ field: "options.onConflict" }],
    });
    const keyed = (country: string) => `input: {country: "${country}"}, options: {idempotencyKey: "k1"}`;
    const first = await launchCensus(keyed("DE"));
    const { id } = (first as { task: { id: string } }).task;
    expect(await launchCensus(keyed("DE"))).toMatchObject({ isDuplicate: true, task: { id } });
    expect(await launchCensus(keyed("ES"))).toMatchObject({ __typename: "IdempotencyError" });
  });
});

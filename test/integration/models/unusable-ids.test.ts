import { resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import { generateFixture } from "./generate-fixture.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let generated: Awaited<ReturnType<typeof generateFixture>>;

beforeAll(async () => {
  generated = await generateFixture(resolve(import.meta.dirname, "key-models.prisma"));
});

const INCREMENT = { count: { increment: 1 } };

describe.each([
  ["nothing but the database", {}],
  ["a validator", { validate: () => [] }],
  ["a scope", { access: () => ({ count: { gte: 0 } }) }],
])("with rules for %s", (_name, rules) => {
  let api: BulkFixture;

  beforeAll(async () => {
    api = await createBulkFixture({ generated, models: { Day: rules, Small: rules, Team: rules } });
  });
  afterAll(() => api.stop());
  beforeEach(async () => {
    await api.query(emptying(`"Day", "Small", "Team"`));
    await api.query(`INSERT INTO "Day" VALUES ('2026-01-30'), ('2026-01-31')`);
    await api.query(`INSERT INTO "Small" VALUES (1), (2)`);
    await api.query(`INSERT INTO "Team" VALUES ('EARLY'), ('LATE')`);
  });

  test.each([
    ["Small", "Smalls", ["1", "40000", "2"], "40000", "the text of id Int from -32768 to 32767"],
    ["Day", "Days", ["2026-01-30", "0000-01-01"], "0000-01-01", "the text of day day such as 2026-01-31"],
    ["Day", "Days", ["+275760-09-13T00:00:00.000Z"], "+275760-09-13T00:00:00.000Z", "the text of day"],
    ["Team", "Teams", ["EARLY", "NIGHT"], "NIGHT", "the text of shift EARLY or LATE"],
  ])("an id that the column of %s cannot hold is malformed", async (model, plural, ids, id, expected) => {
    const message = expect.stringContaining(
      `"${id}" is not an id of ${model}: expected ${expected}`,
    ) as string;
    const refused = { __typename: "ValidationError", message };
    const selection = [`${model}Selection!`, { ids }] as const;
    expect(
      await api.run(`bulkUpdate${plural}`, { selection, data: [`${model}BulkUpdateInput!`, INCREMENT] }),
    ).toMatchObject(refused);
    expect(await api.run(`bulkDelete${plural}`, { selection })).toMatchObject(refused);
    const records = ids.map((one) => ({ id: one, data: { count: 1 } }));
    expect(
      await api.run(`bulkUpdateEach${plural}`, { records: [`[${model}UpdateEachInput!]!`, records] }),
    ).toMatchObject(refused);
    const { updated, deleted } = await api.data(
      `mutation ($id: ID!) {
        updated: update${model}(id: $id, data: {count: 1}) { __typename ... on Error { message } }
        deleted: delete${model}(id: $id) { __typename ... on Error { message } }
      }`,
      { id },
    );
    expect([updated, deleted]).toMatchObject([refused, refused]);
  });

  const ids = ["EARLY", "LATE"];
  const selection = ["TeamSelection!", { ids }] as const;
  const operations: Readonly<Record<string, (options: object) => Promise<Answer>>> = {
    bulkUpdate: (options) =>
      api.run("bulkUpdateTeams", { selection, data: ["TeamBulkUpdateInput!", INCREMENT] }, options),
    bulkUpdateEach: (options) => {
      const records = ids.map((id) => ({ id, data: { count: 1 } }));
      return api.run("bulkUpdateEachTeams", { records: ["[TeamUpdateEachInput!]!", records] }, options);
    },
    bulkUpsert: (options) => {
      const records = ids.map((id) => ({ id, create: { shift: id }, update: { count: 1 } }));
      return api.run("bulkUpsertTeams", { records: ["[TeamUpsertInput!]!", records] }, options);
    },
    bulkDelete: (options) => api.run("bulkDeleteTeams", { selection }, options),
  };

  describe.each(Object.entries(operations))("an id that the column can no longer hold, %s", (_of, run) => {
    beforeEach(() => api.query(`ALTER TYPE "Shift" RENAME VALUE 'LATE' TO 'NIGHT'`));
    afterEach(() => api.query(`ALTER TYPE "Shift" RENAME VALUE 'NIGHT' TO 'LATE'`));

    const error = {
      recordId: "LATE",
      outcome: "FAILED",
      code: "CONSTRAINT_VIOLATED",
      message: "A value is not of its column's type.",
    };
    const untouched = async (): Promise<unknown> =>
      (await api.query(`SELECT shift::text FROM "Team" WHERE count = 0 ORDER BY 1`)).map(
        ({ shift }) => shift,
      );

    test("fails alone", async () => {
      expect(await run({ errorPolicy: "SKIP_FAILED" })).toMatchObject({
        status: "PARTIAL",
        progress: { total: 2, succeeded: 1, failed: 1, skipped: 0 },
        errors: [error],
      });
      expect(await untouched()).toEqual(["NIGHT"]);
    });

    test("fails a whole task, which writes nothing", async () => {
      expect(await run({ errorPolicy: "ALL_OR_NOTHING" })).toMatchObject({
        status: "FAILED",
        progress: { total: 2, succeeded: 0 },
        message: "Nothing was changed. Record LATE: A value is not of its column's type.",
        errors: [error],
      });
      expect(await untouched()).toEqual(["EARLY", "NIGHT"]);
    });
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkModels("key-models.prisma");
  await api.query(`
    CREATE TABLE gate (is_shut boolean);
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      WHILE EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN NEW; END $$`);
  for (const [model] of KEYS) {
    await api.query(`CREATE TRIGGER wait BEFORE UPDATE ON "${model}" FOR EACH ROW EXECUTE FUNCTION wait()`);
  }
});
afterAll(() => api.stop());
beforeEach(() => api.query(emptying(`"Day", "Visit", "Plan", "Bell"`)));

type Named = readonly [model: string, plural: string];

const planId = (day: string): string => Buffer.from(JSON.stringify([day, "k"])).toString("base64url");

/** Each model has one record; its id as the API returns it, and other spellings of that id. */
const KEYS = [
  [
    "Day",
    "Days",
    `INSERT INTO "Day" VALUES ('2026-01-31')`,
    "2026-01-31T00:00:00.000Z",
    ["2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T12:00:00Z", "2026-01-30T23:00:00-02:00"],
  ],
  [
    "Plan",
    "Plans",
    `INSERT INTO "Plan" VALUES ('2026-01-31', 'k')`,
    planId("2026-01-31T00:00:00.000Z"),
    [planId("2026-01-31T00:00:00Z"), planId("2026-01-31T05:00:00Z")],
  ],
  [
    "Bell",
    "Bells",
    `INSERT INTO "Bell" VALUES ('12:30')`,
    "1970-01-01T12:30:00.000Z",
    ["1970-01-01T12:30:00Z", "2026-01-31T13:30:00+01:00"],
  ],
] as const;

describe.each(KEYS)("a key of %s", (model, plural, insert, id, spellings) => {
  beforeEach(() => api.query(insert));

  const named = [model, plural] as const;
  const count = async (): Promise<unknown> => (await api.query(`SELECT count FROM "${model}"`))[0]?.count;

  test("has one id", async () => {
    const many = plural.toLowerCase();
    expect(await api.data(`{ ${many} { nodes { id } } }`)).toEqual({ [many]: { nodes: [{ id }] } });
    for (const spelling of [id, ...spellings]) {
      const one = model.toLowerCase();
      const found = await api.data(`query ($id: ID!) { ${one}(id: $id) { id } }`, { id: spelling });
      expect(found).toEqual({ [one]: { id } });
    }
  });

  test.each(["ALL_OR_NOTHING", "SKIP_FAILED"])("is one record in a selection, %s", async (errorPolicy) => {
    expect(await update(named, [id, ...spellings], { errorPolicy })).toMatchObject({
      status: "SUCCEEDED",
      progress: { total: 1, succeeded: 1 },
    });
    expect(await count()).toBe(1);
  });

  test("is one record in a list", async () => {
    const records = [id, spellings[1]].map((one) => ({ id: one, data: { count: 5 } }));
    expect(
      await api.run(`bulkUpdateEach${plural}`, { records: [`[${model}UpdateEachInput!]!`, records] }),
    ).toMatchObject({ __typename: "ValidationError", message: expect.stringMatching(/already/) });
  });

  test("is locked in every spelling", async () => {
    const { locked } = await whileHeld(named, id, async () => ({
      locked: await Promise.all([id, ...spellings].map((spelling) => write(model, spelling))),
    }));
    expect(locked.map(({ __typename }: Answer) => __typename)).toEqual(
      [id, ...spellings].map(() => "ConflictError"),
    );
    expect(await whileHeld(named, id, () => update(named, [spellings[1]]))).toMatchObject({
      __typename: "ConflictError",
    });
    expect(await count()).toBe(2);
  });
});

test("a reference to a held record is found in every spelling", async () => {
  await api.query(`INSERT INTO "Day" VALUES ('2026-01-31')`);
  const { create, hold } = await whileHeld(["Day", "Days"], "2026-01-31T00:00:00.000Z", async () => ({
    create: await api.data(
      `mutation { result: createVisit(data: {id: 1, day: "2026-01-31T12:00:00Z"}) { __typename } }`,
    ),
    hold: await api.run("bulkCreateVisits", {
      data: ["[VisitBulkCreateInput!]!", [{ id: 2, day: "2026-01-31T12:00:00Z" }]],
    }),
  }));
  expect(create.result.__typename).toBe("ConflictError");
  expect(hold).toMatchObject({ errors: [{ code: "RECORD_LOCKED" }] });
});

test("a new record with a day as its key has one id", async () => {
  const data = ["2026-01-31T05:00:00Z", "2026-01-31T07:00:00Z"].map((day) => ({ day }));
  expect(await api.run("bulkCreateDays", { data: ["[DayBulkCreateInput!]!", data] })).toMatchObject({
    __typename: "ValidationError",
    message: expect.stringMatching(/is in data\.0 too/),
  });
  const upserts = data.map(({ day }) => ({ id: day, create: { day, count: 5 }, update: { count: 5 } }));
  expect(await api.run("bulkUpsertDays", { records: ["[DayUpsertInput!]!", upserts] })).toMatchObject({
    __typename: "ValidationError",
  });
});

/** Does the work while a task holds the record and waits. */
async function whileHeld<T>([model, plural]: Named, id: string, work: () => Promise<T>): Promise<T> {
  await api.query("INSERT INTO gate VALUES (true)");
  const task = update([model, plural], [id]);
  try {
    await vi.waitFor(async () => {
      const { recordLocks } = await api.data(
        `query ($ids: [ID!]!) { recordLocks(model: ${model}, ids: $ids) { recordId } }`,
        { ids: [id] },
      );
      expect(recordLocks).toEqual([{ recordId: id }]);
    }, 20_000);
    return await work();
  } finally {
    await api.query("DELETE FROM gate");
    expect(await task).toMatchObject({ status: "SUCCEEDED" });
  }
}

function update([model, plural]: Named, ids: readonly string[], options: object = {}): Promise<Answer> {
  return api.run(
    `bulkUpdate${plural}`,
    {
      selection: [`${model}Selection!`, { ids }],
      data: [`${model}BulkUpdateInput!`, { count: { increment: 1 } }],
    },
    options,
  );
}

async function write(model: string, id: string): Promise<Answer> {
  const { result } = await api.data(
    `mutation ($id: ID!) { result: update${model}(id: $id, data: {count: 9}) { __typename } }`,
    { id },
  );
  return result;
}

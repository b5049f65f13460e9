import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkModels(
    "shape-models.prisma",
    {
      sql: `CREATE VIEW "team stat" AS
              SELECT t.id, CASE WHEN s % 2 = 0 THEN 'even' END AS label, 0.1::real AS share,
                     jsonb_build_object('s', s) AS extra
                FROM "Team" t CROSS JOIN generate_series(1, 6) s;
            CREATE VIEW "Blob" AS SELECT jsonb_build_object('s', s) AS extra FROM generate_series(1, 3) s`,
      models: { Reading: { scope: ({ id }) => (id === "limited" ? { value: { gt: 2 } } : undefined) } },
    },
    "CREATE EXTENSION IF NOT EXISTS citext;",
  );
});
afterAll(() => api.stop());
beforeEach(async () => {
  const tables = await api.query(
    `SELECT string_agg(format('%I', relname), ', ') AS names FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> '_prisma_migrations'`,
  );
  await api.query(`TRUNCATE ${tables[0].names} RESTART IDENTITY CASCADE`);
  await api.query(`INSERT INTO "Team" VALUES (1, 'one'), (2, 'two'), (3, 'three')`);
});

const PROBLEMS = `... on Error { code message } ... on ValidationError { problems { field message } }`;

/** A model that is served whole, with values for its records. */
interface Whole {
  readonly model: string;
  readonly one: string;
  readonly many: string;
  /** Two new records. */
  readonly records: readonly [Answer, Answer];
  /** What a change sets, and the fields that show it. */
  readonly change?: Answer;
  readonly idOf: (record: Answer) => string;
  /** Puts records into the table where the API cannot create them. */
  readonly insert?: string;
}

const opaque = (...parts: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(parts.map(String))).toString("base64url");

const WHOLE: readonly Whole[] = [
  {
    model: "VerificationToken",
    one: "verificationToken",
    many: "verificationTokens",
    records: [
      { identifier: "a", token: "t1", expires: "2026-01-01T00:00:00.000Z", uses: 0 },
      { identifier: "a", token: "t2", expires: "2026-01-01T00:00:00.000Z", uses: 0 },
    ],
    change: { uses: 5 },
    idOf: ({ token }) => token,
  },
  {
    model: "Membership",
    one: "membership",
    many: "memberships",
    records: [
      { teamId: 1, seatNo: 1, role: "guest", note: null },
      { teamId: 1, seatNo: 2, role: "guest", note: "n" },
    ],
    change: { role: "host" },
    idOf: ({ teamId, seatNo }) => opaque(teamId, seatNo),
  },
  {
    model: "Branch",
    one: "branch",
    many: "branches",
    records: [
      { slug: "root", title: "r", parentSlug: null },
      { slug: "leaf", title: "l", parentSlug: "root" },
    ],
    change: { title: "new" },
    idOf: ({ slug }) => slug,
  },
  {
    model: "Doc",
    one: "doc",
    many: "docs",
    records: [
      { id__: 7, projectId: 1, title: "a", id_: "own" },
      { id__: 7, projectId: 2, title: "b", id_: "own" },
    ],
    change: { title: "new", id_: "other" },
    idOf: ({ id__, projectId }) => opaque(id__, projectId),
  },
  {
    model: "DocNote",
    one: "docNote",
    many: "docNotes",
    records: [
      { pk: 1, id_: "x", text: "a" },
      { pk: 2, id_: "y", text: "b" },
    ],
    change: { text: "new" },
    idOf: ({ pk }) => String(pk),
  },
  {
    model: "Account",
    one: "account",
    many: "accounts",
    records: [
      { number: "1.5", email: "a@b", name: "a" },
      { number: "2.5", email: "c@d", name: "b" },
    ],
    change: { name: "new" },
    idOf: ({ email }) => email,
  },
  {
    model: "Code",
    one: "code",
    many: "codes",
    records: [
      { code: "AB", name: "a" },
      { code: "ABCD", name: "b" },
    ],
    change: { name: "new" },
    idOf: ({ code }) => code,
  },
  {
    model: "Shed",
    one: "shed",
    many: "sheds",
    records: [{ name: "a" }, { name: "b" }].map((data, at) => ({ ...data, id: at + 1 })) as [Answer, Answer],
    change: { name: "new" },
    idOf: ({ id }) => String(id),
  },
  {
    model: "Tick",
    one: "tick",
    many: "ticks",
    records: [{ id: 1 }, { id: 2 }],
    idOf: ({ id }) => String(id),
  },
  {
    model: "Pair",
    one: "pair",
    many: "pairs",
    records: [
      { aId: 1, bId: 2 },
      { aId: 1, bId: 3 },
    ],
    idOf: ({ aId, bId }) => opaque(aId, bId),
  },
  {
    model: "Place",
    one: "place",
    many: "places",
    records: [
      { id: 1, name: "a" },
      { id: 2, name: "b" },
    ],
    change: { name: "new" },
    idOf: ({ id }) => String(id),
    insert: `INSERT INTO "Place" (name, spot) VALUES ('a', '(1,1)'), ('b', '(1,1)')`,
  },
  {
    model: "Den",
    one: "den",
    many: "dens",
    records: [
      { id: 1, name: "a" },
      { id: 2, name: "b" },
    ],
    change: { name: "new" },
    idOf: ({ id }) => String(id),
    insert: `INSERT INTO "Den" (id, name, secret) VALUES (1, 'a', 's'), (2, 'b', 's')`,
  },
];

const LISTS = ["TeamStat", "Blob", "Reading", "Grade", "Weight", "Label", "Beat"];

/** A filter for records that have the values. */
const equal = (values: Answer): Answer =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { equals: value }]));

/** `verificationTokens` → `VerificationTokens` */
const upper = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

const shownOf = ({ records: [record] }: Whole): string =>
  `id ${Object.keys(record)
    .filter((name) => name !== "id")
    .join(" ")}`;

/** The record as the API answers it. */
const answerOf = (whole: Whole, record: Answer): Answer => ({ ...record, id: whole.idOf(record) });

async function write(
  verb: string,
  whole: Whole,
  args: Readonly<Record<string, readonly [string, unknown]>>,
): Promise<Answer> {
  const names = Object.keys(args);
  const { result } = await api.data(
    `mutation (${names.map((name) => `$${name}: ${args[name]?.[0]}`).join(", ")}) {
       result: ${verb}${whole.model}(${names.map((name) => `${name}: $${name}`).join(", ")}) {
         __typename ${PROBLEMS} ... on ${upper(verb)}${whole.model}Payload { ${whole.one} { ${shownOf(whole)} } }
       } }`,
    Object.fromEntries(names.map((name) => [name, args[name]?.[1]])),
  );
  return result[whole.one] ?? result;
}

async function list({ many, ...whole }: Whole): Promise<Answer[]> {
  const { [many]: found } = await api.data(`{ ${many} { nodes { ${shownOf({ many, ...whole })} } } }`);
  return found.nodes;
}

async function fill(whole: Whole): Promise<void> {
  if (whole.insert !== undefined) {
    await api.query(whole.insert);
    return;
  }
  const { model, many, records } = whole;
  expect(
    await api.run(
      `bulkCreate${upper(many)}`,
      { data: [`[${model}CreateInput!]!`, records] },
      { mode: "SYNC" },
    ),
  ).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
}

describe("the operations", () => {
  test("of each model are those that can be done", async () => {
    const { __schema } = await api.data(
      `{ __schema { queryType { fields { name } } mutationType { fields { name } } } }`,
    );
    const mutations = new Set<string>(__schema.mutationType.fields.map(({ name }: Answer) => name));
    const queries = new Set<string>(__schema.queryType.fields.map(({ name }: Answer) => name));
    for (const { model, many, one, change, insert } of WHOLE) {
      const Many = upper(many);
      const found = [...mutations].filter((name) => name.endsWith(model) || name.endsWith(Many)).toSorted();
      const creates = insert === undefined ? [`bulkCreate${Many}`, `create${model}`] : [];
      const updates =
        change === undefined ? [] : [`bulkUpdate${Many}`, `bulkUpdateEach${Many}`, `update${model}`];
      const upserts =
        insert === undefined && change !== undefined ? [`bulkUpsert${Many}`, `upsert${model}`] : [];
      expect(found).toEqual(
        [`bulkDelete${Many}`, `delete${model}`, ...creates, ...updates, ...upserts].toSorted(),
      );
      expect([queries.has(one), queries.has(many)]).toEqual([true, true]);
    }
    for (const model of LISTS) {
      expect([...mutations].filter((name) => name.includes(model))).toEqual([]);
    }
    expect(
      ["teamStats", "blobs", "readings", "grades", "weights", "labels", "beats"].filter(
        (name) => !queries.has(name),
      ),
    ).toEqual([]);
    expect(
      [...queries].filter((name) =>
        /^(teamStat|blob|reading|grade|weight|label|beat|gone|gones)$/i.test(name),
      ),
    ).toEqual([]);
  });
});

describe.each(WHOLE.map((whole) => [whole.model, whole] as const))("%s", (_name, whole) => {
  const { model, one, many, records, change, insert, idOf } = whole;
  const Many = upper(many);
  const [first, second] = records;
  const [id, otherId] = [idOf(first), idOf(second)];
  const idArg = { id: ["ID!", id] } as const;

  test("is read by id and in lists", async () => {
    await fill(whole);
    expect(await list(whole)).toEqual(records.map((record) => answerOf(whole, record)));
    expect(
      await api.data(`query ($id: ID!) { ${one}(id: $id) { ${shownOf(whole)} activeTask { id } } }`, { id }),
    ).toEqual({
      [one]: { ...answerOf(whole, first), activeTask: null },
    });
    const { [many]: page } = await api.data(
      `{ ${many}(first: 1) { nodes { id } pageInfo { hasNextPage endCursor } } }`,
    );
    expect(page.nodes).toEqual([{ id }]);
    expect(
      await api.data(`query ($after: String) { ${many}(after: $after) { nodes { id } totalCount } }`, {
        after: page.pageInfo.endCursor,
      }),
    ).toEqual({ [many]: { nodes: [{ id: otherId }], totalCount: 2 } });
  });

  test("is written one by one", async () => {
    if (insert === undefined) {
      expect(await write("create", whole, { data: [`${model}CreateInput!`, first] })).toEqual(
        answerOf(whole, first),
      );
      expect(await write("create", whole, { data: [`${model}CreateInput!`, first] })).toMatchObject({
        code: "VALIDATION_FAILED",
      });
    } else {
      await fill(whole);
    }
    if (change !== undefined) {
      expect(await write("update", whole, { ...idArg, data: [`${model}UpdateInput!`, change] })).toEqual({
        ...answerOf(whole, first),
        ...change,
      });
    }
    if (change !== undefined && insert === undefined) {
      const halves = (record: Answer): Record<string, readonly [string, unknown]> => ({
        id: ["ID!", idOf(record)],
        create: [`${model}CreateInput!`, record],
        update: [`${model}UpdateInput!`, change],
      });
      expect(await write("upsert", whole, halves(first))).toEqual({ ...answerOf(whole, first), ...change });
      expect(await write("upsert", whole, halves(second))).toEqual(answerOf(whole, second));
    }
    expect(await write("delete", whole, idArg)).toEqual({ ...answerOf(whole, first), ...change });
    expect(await write("delete", whole, idArg)).toMatchObject({ code: "RECORD_MISSING" });
  });

  test("is written in bulk", async () => {
    await fill(whole);
    const both = [id, otherId];
    if (change !== undefined) {
      const set = Object.fromEntries(Object.entries(change).map(([name, value]) => [name, { set: value }]));
      expect(
        await api.run(`bulkUpdate${Many}`, {
          selection: [`${model}Selection!`, { where: { NOT: equal(change) } }],
          data: [`${model}BulkUpdateInput!`, set],
        }),
      ).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
      const changed = records.map((record) => ({ ...answerOf(whole, record), ...change }));
      expect(await list(whole)).toEqual(changed);
      expect(
        await api.run(`bulkUpdateEach${Many}`, {
          records: [`[${model}UpdateEachInput!]!`, both.map((each) => ({ id: each, data: change }))],
        }),
      ).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
      if (insert === undefined) {
        expect(
          await api.run(`bulkDelete${Many}`, { selection: [`${model}Selection!`, { ids: [otherId] }] }),
        ).toMatchObject({ status: "SUCCEEDED" });
        expect(
          await api.run(`bulkUpsert${Many}`, {
            records: [
              `[${model}UpsertInput!]!`,
              records.map((record) => ({ id: idOf(record), create: record, update: change })),
            ],
          }),
        ).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
        expect(await list(whole)).toEqual([changed[0], answerOf(whole, second)]);
      }
    }
    expect(
      await api.run(`bulkDelete${Many}`, { selection: [`${model}Selection!`, { ids: both }] }),
    ).toMatchObject({
      status: "SUCCEEDED",
      progress: { succeeded: 2 },
    });
    expect(await list(whole)).toEqual([]);
  });

  test("is locked by its id", async () => {
    await fill(whole);
    const holder = await api.hold([{ model, ids: [id] }]);
    try {
      expect(
        await api.data(
          `{ ${many} { nodes { id activeTask { id } } } recordLocks(model: ${model}, ids: ${JSON.stringify([id, otherId])}) { id } }`,
        ),
      ).toEqual({
        [many]: {
          nodes: [
            { id, activeTask: { id: holder.task.id } },
            { id: otherId, activeTask: null },
          ],
        },
        recordLocks: [{ id }],
      });
      expect(await write("delete", whole, idArg)).toMatchObject({ __typename: "ConflictError" });
      expect(
        await api.run(`bulkDelete${Many}`, { selection: [`${model}Selection!`, { ids: [id] }] }),
      ).toMatchObject({ __typename: "ConflictError" });
    } finally {
      await holder.release();
    }
  });
});

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
      { slug: "a", title: "r", parentSlug: null },
      { slug: "b", title: "l", parentSlug: "a" },
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
    model: "Airport",
    one: "airport",
    many: "airports",
    records: [
      { code: "AB  ", name: "a" },
      { code: "ABCD", name: "b" },
    ],
    change: { name: "new" },
    idOf: ({ code }) => code.trimEnd(),
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

/** Launches a bulk mutation in its request. */
const run = (mutation: string, args: Parameters<BulkFixture["run"]>[1]): Promise<Answer> =>
  api.run(mutation, args, { mode: "SYNC" });

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
  expect(await run(`bulkCreate${upper(many)}`, { data: [`[${model}CreateInput!]!`, records] })).toMatchObject(
    { status: "SUCCEEDED", progress: { succeeded: 2 } },
  );
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
        code: "CONSTRAINT_VIOLATED",
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
    expect(await write("delete", whole, idArg)).toMatchObject({ code: "NOT_FOUND" });
  });

  test("is written in bulk", async () => {
    await fill(whole);
    const both = [id, otherId];
    if (change !== undefined) {
      const set = Object.fromEntries(Object.entries(change).map(([name, value]) => [name, { set: value }]));
      expect(
        await run(`bulkUpdate${Many}`, {
          selection: [`${model}Selection!`, { where: { NOT: equal(change) } }],
          data: [`${model}BulkUpdateInput!`, set],
        }),
      ).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
      const changed = records.map((record) => ({ ...answerOf(whole, record), ...change }));
      expect(await list(whole)).toEqual(changed);
      expect(
        await run(`bulkUpdateEach${Many}`, {
          records: [`[${model}UpdateEachInput!]!`, both.map((each) => ({ id: each, data: change }))],
        }),
      ).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
      if (insert === undefined) {
        expect(
          await run(`bulkDelete${Many}`, { selection: [`${model}Selection!`, { ids: [otherId] }] }),
        ).toMatchObject({ status: "SUCCEEDED" });
        expect(
          await run(`bulkUpsert${Many}`, {
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
      await run(`bulkDelete${Many}`, { selection: [`${model}Selection!`, { ids: both }] }),
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
        await run(`bulkDelete${Many}`, { selection: [`${model}Selection!`, { ids: [id] }] }),
      ).toMatchObject({ __typename: "ConflictError" });
    } finally {
      await holder.release();
    }
  });
});

/** All records of a list, page by page, with the sizes of its pages. */
async function readPages(
  many: string,
  size: number,
  { isBackward = false, args = "" }: { readonly isBackward?: boolean; readonly args?: string } = {},
): Promise<{ readonly nodes: Answer[]; readonly sizes: readonly number[] }> {
  const [count, edge] = isBackward ? ["last", "before"] : ["first", "after"];
  const nodes: Answer[] = [];
  const sizes: number[] = [];
  for (let cursor: string | null = null, isMore = true; isMore;) {
    const { [many]: page }: Answer = await api.data(
      `query ($cursor: String) { ${many}(${count}: ${size}, ${edge}: $cursor ${args}) {
         nodes { ${LIST_FIELDS[many]} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
      { cursor },
    );
    sizes.push(page.nodes.length);
    if (isBackward) {
      nodes.unshift(...page.nodes);
    } else {
      nodes.push(...page.nodes);
    }
    cursor = isBackward ? page.pageInfo.startCursor : page.pageInfo.endCursor;
    isMore = isBackward ? page.pageInfo.hasPreviousPage : page.pageInfo.hasNextPage;
  }
  return { nodes, sizes };
}

const LIST_FIELDS: Readonly<Record<string, string>> = {
  teamStats: "id_ label share extra",
  readings: "at value teamId",
  grades: "level words",
  weights: "kilos name",
  labels: "text name",
  beats: "at name",
};

async function refusal(source: string, variables: Record<string, unknown> = {}): Promise<string> {
  return api.data(source, variables).then(
    () => "not refused",
    (error: unknown) => String(error),
  );
}

describe("a view", () => {
  const seen = (nodes: readonly Answer[]): readonly string[] =>
    nodes.map(({ id_, extra }: Answer) => `${id_}.${extra.s}`).toSorted();
  const all = [1, 2, 3].flatMap((team) => [1, 2, 3, 4, 5, 6].map((s) => `${team}.${s}`));

  test.each([
    [5, "", [3, 3, 3, 3, 3, 3]],
    [7, "", [6, 6, 6]],
    [3, ", orderBy: [{label: DESC}, {id_: DESC}]", [3, 3, 3, 3, 3, 3]],
    [4, ", orderBy: [{team: {name: ASC}}]", [3, 3, 3, 3, 3, 3]],
    [100, "", [18]],
  ])("keeps equal records together on pages of %i%s, so that each comes once", async (size, args, sizes) => {
    const forward = await readPages("teamStats", size, { args });
    const backward = await readPages("teamStats", size, { args, isBackward: true });
    expect([forward.sizes, backward.sizes]).toEqual([sizes, sizes]);
    expect(seen(forward.nodes)).toEqual(all);
    expect(seen(backward.nodes)).toEqual(all);
  });

  test("refuses pages and cursors that would stand between equal records", async () => {
    expect(await refusal("{ teamStats(first: 2) { nodes { id_ } } }")).toContain(
      "More than 2 of these records are equal in every column that can be ordered",
    );
    expect(await refusal("{ blobs(last: 2) { nodes { extra } } }")).toContain("More than 2 of these records");
    const { teamStats } = await api.data("{ teamStats(first: 6) { edges { cursor } } }");
    const [first, second, third, fourth] = teamStats.edges.map(({ cursor }: Answer) => cursor);
    const take = (after: string | null, before: string | null): Promise<string> =>
      refusal(
        "query ($after: String, $before: String) { teamStats(after: $after, before: $before) { nodes { id_ } } }",
        { after, before },
      );
    for (const [after, before] of [
      [first, null],
      [second, null],
      [null, second],
      [null, third],
    ]) {
      expect(await take(after, before)).toContain("is the cursor of one of several records that are equal");
    }
    expect([await take(third, null), await take(null, fourth)]).toEqual(["not refused", "not refused"]);
  });

  test("is filtered, counted, and read along with related records", async () => {
    expect(
      await api.data(`{
        teamStats(where: {id_: {equals: 2}, label: {isNull: true}, share: {gt: 0}}) { totalCount nodes { label team { name } __typename } }
        team(id: "1") { stats(first: 3) { totalCount nodes { share } } }
        teams(where: {stats: {some: {id_: {gt: 2}}}}) { nodes { id } }
        blobs { totalCount nodes { __typename } }
      }`),
    ).toEqual({
      teamStats: {
        totalCount: 3,
        nodes: [1, 2, 3].map(() => ({ label: null, team: { name: "two" }, __typename: "TeamStat" })),
      },
      team: { stats: { totalCount: 6, nodes: [1, 2, 3].map(() => ({ share: 0.1 })) } },
      teams: { nodes: [{ id: "3" }] },
      blobs: { totalCount: 3, nodes: [1, 2, 3].map(() => ({ __typename: "Blob" })) },
    });
  });

  test("is read again where a document selects a relation in two ways", async () => {
    const { teamStats } = await api.data(`{ teamStats(where: {id_: {equals: 1}}) { nodes {
      few: team { stats(first: 3) { nodes { label } } } all: team { stats { nodes { label } } } } } }`);
    expect(
      teamStats.nodes.map(({ few, all: whole }: Answer) => [
        few.stats.nodes.length,
        whole.stats.nodes.length,
      ]),
    ).toEqual([1, 2, 3, 4, 5, 6].map(() => [3, 6]));
  });

  test("is a part of filters of bulk operations", async () => {
    const where = { stats: { some: { id_: { equals: 2 }, team: { is: { name: { equals: "two" } } } } } };
    expect(await run("bulkDeleteTeams", { selection: ["TeamSelection!", { where }] })).toMatchObject({
      status: "SUCCEEDED",
      progress: { total: 1, succeeded: 1 },
    });
  });
});

describe("a model whose key cannot be an id", () => {
  beforeEach(async () => {
    await api.query(`INSERT INTO "Reading" SELECT timestamptz '2026-01-01' + s * interval '1 ms', s, CASE WHEN s < 3 THEN 1 END
                       FROM generate_series(1, 5) s;
                     INSERT INTO "Grade" VALUES ('HIGH', 'h'), ('low level', 'l');
                     INSERT INTO "Weight" VALUES (0.1, 'a'), (1e300, 'b'), (-2.5, 'c');
                     INSERT INTO "Label" VALUES ('B', 'b'), ('a', 'a'), ('C', 'c');
                     INSERT INTO "Beat" VALUES ('2026-01-01', 'a'), ('2026-01-02', 'b')`);
  });

  test.each([
    ["readings", "value", [1, 2, 3, 4, 5]],
    ["grades", "level", ["LOW", "HIGH"]],
    ["weights", "name", ["c", "a", "b"]],
    ["labels", "text", ["a", "B", "C"]],
    ["beats", "name", ["a", "b"]],
  ])("is a list in the order of that key: %s", async (many, field, values) => {
    for (const isBackward of [false, true]) {
      const { nodes } = await readPages(many, 1, { isBackward });
      expect(nodes.map((node) => node[field])).toEqual(values);
    }
  });

  test("is filtered and changed through other models, and has no locks", async () => {
    expect(
      await api.data(
        `{ readings(where: {team: {is: null}}) { totalCount } teams(where: {readings: {none: {}}}) { totalCount } }`,
      ),
    ).toEqual({
      readings: { totalCount: 3 },
      teams: { totalCount: 2 },
    });
    expect(await refusal(`{ recordLocks(model: Reading, ids: ["1"]) { id } }`)).toContain(
      "Reading has no ids: its key at is of the type timestamp(6) with time zone",
    );
    const where = { readings: { some: { team: { isNot: { name: { equals: "two" } } } } } };
    expect(
      await run("bulkUpdateTeams", {
        selection: ["TeamSelection!", { where }],
        data: ["TeamBulkUpdateInput!", { name: { set: "new" } }],
      }),
    ).toMatchObject({
      progress: { total: 1, succeeded: 1 },
    });
    expect(await run("bulkDeleteTeams", { selection: ["TeamSelection!", { ids: ["1"] }] })).toMatchObject({
      status: "SUCCEEDED",
    });
    expect(await api.data("{ readings { totalCount } }")).toEqual({ readings: { totalCount: 3 } });
  });

  test("shows a viewer only the records in scope", async () => {
    const viewer = { id: "limited", roles: [], claims: {} } as never;
    expect(
      await api.data(
        '{ readings { totalCount nodes { value } } team(id: "1") { readings { totalCount } } }',
        {},
        viewer,
      ),
    ).toEqual({
      readings: { totalCount: 3, nodes: [{ value: 3 }, { value: 4 }, { value: 5 }] },
      team: { readings: { totalCount: 0 } },
    });
  });
});

describe("a column id that is not the whole key", () => {
  beforeEach(async () => {
    await api.query(`INSERT INTO "Doc" VALUES (7, 1, 'a'), (7, 2, 'b'), (8, 1, 'c');
                     INSERT INTO "DocNote" VALUES (1, 'y', 'n', 7, 2), (2, 'x', 'm', 8, 1)`);
  });

  test("is filtered and ordered by another name, also through relations", async () => {
    expect(
      await api.data(`{
        docs(where: {id__: {equals: 7}, id_: {equals: "taken"}}, orderBy: [{id__: DESC}, {projectId: DESC}]) { nodes { id__ projectId notes { nodes { id id_ } } } }
        docNotes(where: {doc: {is: {id__: {gt: 7}}}}) { nodes { id_ } }
        ordered: docNotes(orderBy: [{doc: {id__: DESC}}]) { nodes { id_ } }
        byId: docNotes(orderBy: [{id_: ASC}], first: 1) { nodes { id } pageInfo { endCursor } }
      }`),
    ).toMatchObject({
      docs: {
        nodes: [
          { id__: 7, projectId: 2, notes: { nodes: [{ id: "1", id_: "y" }] } },
          { id__: 7, projectId: 1, notes: { nodes: [] } },
        ],
      },
      docNotes: { nodes: [{ id_: "x" }] },
      ordered: { nodes: [{ id_: "x" }, { id_: "y" }] },
      byId: { nodes: [{ id: "2" }] },
    });
  });

  test("is changed, single and in bulk, and named so in problems", async () => {
    const note = WHOLE.find(({ model }) => model === "DocNote") as Whole;
    expect(
      await write("update", note, { id: ["ID!", "1"], data: ["DocNoteUpdateInput!", { id_: "z" }] }),
    ).toMatchObject({ id: "1", id_: "z" });
    expect(
      await write("update", note, { id: ["ID!", "1"], data: ["DocNoteUpdateInput!", { id_: "x" }] }),
    ).toMatchObject({
      problems: [{ field: "id_", message: "id_ must be unique: another record has x." }],
    });
    expect(
      await write("update", note, { id: ["ID!", "1"], data: ["DocNoteUpdateInput!", { id_: null }] }),
    ).toMatchObject({
      problems: [{ field: "id_", message: expect.stringContaining("DocNote.id_:") }],
    });
    expect(
      await run("bulkUpdateDocNotes", {
        selection: ["DocNoteSelection!", { where: { id_: { equals: "z" } } }],
        data: ["DocNoteBulkUpdateInput!", { id_: { set: "w" } }],
      }),
    ).toMatchObject({ progress: { succeeded: 1 } });
    expect(await api.query(`SELECT id FROM "DocNote" ORDER BY pk`)).toEqual([{ id: "w" }, { id: "x" }]);
  });
});

test("links of a model that is not named by its primary key are read, and not changed", async () => {
  await api.query(`INSERT INTO "Account" VALUES (1.5, 'a@b', 'a'); INSERT INTO "Group" VALUES (1, 'g');
                   INSERT INTO "_AccountToGroup" VALUES (1.5, 1)`);
  expect(
    await api.data(`{ groups(where: {accounts: {some: {email: {equals: "a@b"}}}}) { nodes { accounts { nodes { id number } } } }
      __type(name: "GroupUpdateInput") { inputFields { name } } }`),
  ).toEqual({
    groups: { nodes: [{ accounts: { nodes: [{ id: "a@b", number: "1.5" }] } }] },
    __type: { inputFields: [{ name: "name" }] },
  });
  const where = { groups: { some: { id: { equals: 1 } } } };
  expect(await run("bulkDeleteAccounts", { selection: ["AccountSelection!", { where }] })).toMatchObject({
    progress: { succeeded: 1 },
  });
});

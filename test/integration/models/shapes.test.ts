import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Answer } from "./models-fixture.ts";
import type { Shapes } from "./shape-fixture.ts";
import { createShapes, shownOf, upper } from "./shape-fixture.ts";
import type { Whole } from "./shape-records.ts";
import { WHOLE } from "./shape-records.ts";

let shapes: Shapes;

beforeAll(async () => {
  shapes = await createShapes();
});
afterAll(() => shapes.stop());
beforeEach(() => shapes.reset());

/** The record as the API answers it. */
const answerOf = (whole: Whole, record: Answer): Answer => ({ ...record, id: whole.idOf(record) });

const LISTS = ["TeamStat", "Blob", "Reading", "Grade", "Gauge", "Weight", "Label", "Beat"];

/** A filter for records that have the values. */
const equal = (values: Answer): Answer =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { equals: value }]));

async function list({ many, ...whole }: Whole): Promise<Answer[]> {
  const { [many]: found } = await shapes.data(`{ ${many} { nodes { ${shownOf({ many, ...whole })} } } }`);
  return found.nodes;
}

async function fill(whole: Whole): Promise<void> {
  if (whole.insert !== undefined) {
    await shapes.query(whole.insert);
    return;
  }
  const { model, many, records } = whole;
  expect(
    await shapes.run(`bulkCreate${upper(many)}`, { data: [`[${model}BulkCreateInput!]!`, records] }),
  ).toMatchObject({
    status: "SUCCEEDED",
    progress: { succeeded: 2 },
  });
}

test("what is not as usual is logged at start, in a line each", () => {
  expect(shapes.logged.filter((line) => /^(Ids|Read-only|No create|The column)/.test(line))).toEqual([
    "Ids are made of a unique key instead of @id: VerificationToken (token), Membership (teamId, seatNo), Branch (slug), Account (email).",
    expect.stringMatching(
      /^Read-only lists, .*: Reading \(its key at is of the type timestamp\(6\) with time zone, .*\), Grade \(.*\), Gauge \(.*\), Weight \(.*\), Label \(.*citext.*\), Beat \(.*\), TeamStat \(it is a view\), Blob \(it is a view\)\.$/,
    ),
    "No create and no upsert: Place (spot must have a value, which Prisma's client cannot write), Den (secret must have a value, which Prisma's client cannot write).",
    "The column id has another name, since id is the record's id: Doc (id__), DocNote (id_), TeamStat (id_).",
  ]);
});

describe("the operations", () => {
  test("of each model are those that can be done", async () => {
    const { __schema } = await shapes.data(
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

const named = (models: readonly Whole[]): readonly (readonly [string, Whole])[] =>
  models.map((whole) => [whole.model, whole]);

const CREATABLE = WHOLE.filter(({ insert }) => insert === undefined);
const CHANGEABLE = WHOLE.filter(({ change }) => change !== undefined);
const UPSERTABLE = CREATABLE.filter(({ change }) => change !== undefined);

test("fields that are ignored, and relations over them or to ignored models, are absent", async () => {
  const fieldsOf = (alias: string, type: string): string =>
    `${alias}: __type(name: "${type}") { fields { name } }`;
  const { den, ward, team, gone } = await shapes.data(
    `{ ${fieldsOf("den", "Den")} ${fieldsOf("ward", "Ward")} ${fieldsOf("team", "Team")} ${fieldsOf("gone", "Gone")} }`,
  );
  const namesOf = ({ fields }: Answer): unknown => fields.map(({ name }: Answer) => name).toSorted();
  expect(namesOf(den)).toEqual(["activeTask", "id", "name"]);
  expect(namesOf(ward)).toEqual(["activeTask", "id"]);
  expect(namesOf(team)).not.toContain("gone");
  expect(gone).toBeNull();
});

describe.each(named(WHOLE))("%s", (_name, whole) => {
  const { model, one, many, records } = whole;
  const [first, second] = records;
  const [id, otherId] = [whole.idOf(first), whole.idOf(second)];
  const selection = (...ids: readonly string[]): readonly [string, unknown] => [
    `${model}Selection!`,
    { ids },
  ];
  const remove = (): Promise<Answer> => shapes.write("delete", whole, { id: ["ID!", id] });
  const bulkRemove = (...ids: readonly string[]): Promise<Answer> =>
    shapes.run(`bulkDelete${upper(many)}`, { selection: selection(...ids) });

  beforeEach(() => fill(whole));

  test("is read by id and in lists", async () => {
    expect(await list(whole)).toEqual(records.map((record) => answerOf(whole, record)));
    const { [many]: page, [one]: found } = await shapes.data(
      `query ($id: ID!) { ${one}(id: $id) { ${shownOf(whole)} activeTask { id } }
         ${many}(first: 1) { nodes { id } pageInfo { hasNextPage endCursor } } }`,
      { id },
    );
    expect(found).toEqual({ ...answerOf(whole, first), activeTask: null });
    expect(page.nodes).toEqual([{ id }]);
    expect(
      await shapes.data(`query ($after: String) { ${many}(after: $after) { nodes { id } totalCount } }`, {
        after: page.pageInfo.endCursor,
      }),
    ).toEqual({ [many]: { nodes: [{ id: otherId }], totalCount: 2 } });
  });

  test("is locked by its id, and deleted", async () => {
    const holder = await shapes.hold([{ model, ids: [id] }]);
    try {
      expect(
        await shapes.data(
          `{ ${many} { nodes { id activeTask { id } } } recordLocks(model: ${model}, ids: ${JSON.stringify([id, otherId])}) { recordId } }`,
        ),
      ).toEqual({
        [many]: {
          nodes: [
            { id, activeTask: { id: holder.task.id } },
            { id: otherId, activeTask: null },
          ],
        },
        recordLocks: [{ recordId: id }],
      });
      expect(await remove()).toMatchObject({ __typename: "ConflictError" });
      expect(await bulkRemove(id)).toMatchObject({ __typename: "ConflictError" });
    } finally {
      await holder.release();
    }
    expect(await remove()).toMatchObject({ id });
    expect(await remove()).toMatchObject({ code: "NOT_FOUND" });
    expect(await bulkRemove(id, otherId)).toMatchObject({ progress: { succeeded: 1, skipped: 1 } });
    expect(await list(whole)).toEqual([]);
  });
});

test.each(named(CREATABLE))("%s is created once", async (_name, whole) => {
  const [first] = whole.records;
  const data = [`${whole.model}CreateInput!`, first] as const;
  expect(await shapes.write("create", whole, { data })).toEqual(answerOf(whole, first));
  expect(await shapes.write("create", whole, { data })).toMatchObject({ code: "CONSTRAINT_VIOLATED" });
});

test.each(named(CHANGEABLE))("%s is changed, single and in bulk", async (_name, whole) => {
  const { model, records, change, many } = whole;
  const [first] = records;
  const changed = records.map((record) => ({ ...answerOf(whole, record), ...change }));
  await fill(whole);
  expect(
    await shapes.write("update", whole, {
      id: ["ID!", whole.idOf(first)],
      data: [`${model}UpdateInput!`, change],
    }),
  ).toEqual(changed[0]);
  expect(
    await shapes.run(`bulkUpdate${upper(many)}`, {
      selection: [`${model}Selection!`, { where: { NOT: equal(change) } }],
      data: [
        `${model}BulkUpdateInput!`,
        Object.fromEntries(Object.entries(change).map(([name, value]) => [name, { set: value }])),
      ],
    }),
  ).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 1 } });
  expect(await list(whole)).toEqual(changed);
  const back = Object.fromEntries(Object.keys(change).map((name) => [name, first[name]]));
  expect(
    await shapes.run(`bulkUpdateEach${upper(many)}`, {
      records: [
        `[${model}UpdateEachInput!]!`,
        records.map((record) => ({ id: whole.idOf(record), data: back })),
      ],
    }),
  ).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
  expect(await list(whole)).toEqual(records.map((record) => ({ ...answerOf(whole, record), ...back })));
});

test.each(named(UPSERTABLE))("%s is upserted, single and in bulk", async (_name, whole) => {
  const { model, records, change, many } = whole;
  const [first, second] = records;
  const changed = records.map((record) => ({ ...answerOf(whole, record), ...change }));
  const upsert = (record: Answer): Promise<Answer> =>
    shapes.write("upsert", whole, {
      id: ["ID!", whole.idOf(record)],
      create: [`${model}UpsertCreateInput!`, record],
      update: [`${model}UpsertUpdateInput!`, change],
    });
  expect(await upsert(first)).toEqual(answerOf(whole, first));
  expect(await upsert(first)).toEqual(changed[0]);
  expect(
    await shapes.run(`bulkUpsert${upper(many)}`, {
      records: [
        `[${model}UpsertInput!]!`,
        records.map((record) => ({ id: whole.idOf(record), create: record, update: change })),
      ],
    }),
  ).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2 } });
  expect(await list(whole)).toEqual([changed[0], answerOf(whole, second)]);
});

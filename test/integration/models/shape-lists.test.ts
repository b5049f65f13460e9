import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Answer } from "./models-fixture.ts";
import type { Shapes } from "./shape-fixture.ts";
import { createShapes } from "./shape-fixture.ts";
import type { Whole } from "./shape-records.ts";
import { WHOLE } from "./shape-records.ts";

let shapes: Shapes;

beforeAll(async () => {
  shapes = await createShapes();
});
afterAll(() => shapes.stop());
beforeEach(() => shapes.reset());

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
    const { [many]: page }: Answer = await shapes.data(
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
  gauges: "value level",
  weights: "kilos name",
  labels: "text name",
  beats: "at name",
};

async function refusal(source: string, variables: Record<string, unknown> = {}): Promise<string> {
  return shapes.data(source, variables).then(
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
    const { teamStats } = await shapes.data("{ teamStats(first: 6) { edges { cursor } } }");
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
      await shapes.data(`{
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
    const { teamStats } = await shapes.data(`{ teamStats(where: {id_: {equals: 1}}) { nodes {
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
    expect(await shapes.run("bulkDeleteTeams", { selection: ["TeamSelection!", { where }] })).toMatchObject({
      status: "SUCCEEDED",
      progress: { total: 1, succeeded: 1 },
    });
  });
});

describe("a model whose key cannot be an id", () => {
  beforeEach(async () => {
    await shapes.query(`INSERT INTO "Reading" SELECT timestamptz '2026-01-01' + s * interval '1 ms', s, CASE WHEN s < 3 THEN 1 END
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

  test.each([
    ["ASC", ["LOW", "HIGH", "MID", null]],
    ["DESC", [null, "MID", "HIGH", "LOW"]],
    ["ASC_NULLS_FIRST", [null, "LOW", "HIGH", "MID"]],
    ["DESC_NULLS_LAST", ["MID", "HIGH", "LOW", null]],
  ])("is read in the database's order of an enum: %s", async (direction, levels) => {
    await shapes.query(`INSERT INTO "Gauge" SELECT s + 0.5, (ARRAY['low level', 'mid level', 'HIGH', NULL])[1 + s % 4]::"Level"
                       FROM generate_series(0, 11) s`);
    const firsts: Readonly<Record<string, number>> = { LOW: 0.5, MID: 1.5, HIGH: 2.5, null: 3.5 };
    const all = levels.flatMap((level) =>
      [0, 4, 8].map((more) => ({ level, value: (firsts[String(level)] ?? 0) + more })),
    );
    for (const isBackward of [false, true]) {
      for (const size of [1, 2, 5]) {
        const { nodes } = await readPages("gauges", size, {
          isBackward,
          args: `, orderBy: [{level: ${direction}}]`,
        });
        expect(nodes).toEqual(all);
      }
    }
  });

  test("has the values of an enum in the schema's order", async () => {
    expect(await shapes.data('{ __type(name: "Level") { enumValues { name } } }')).toEqual({
      __type: { enumValues: [{ name: "LOW" }, { name: "MID" }, { name: "HIGH" }] },
    });
  });

  test("is filtered and changed through other models, and has no locks", async () => {
    expect(
      await shapes.data(
        `{ readings(where: {team: {is: null}}) { totalCount } teams(where: {readings: {none: {}}}) { totalCount } }`,
      ),
    ).toEqual({
      readings: { totalCount: 3 },
      teams: { totalCount: 2 },
    });
    expect(await refusal(`{ recordLocks(model: Reading, ids: ["1"]) { recordId } }`)).toContain(
      "Reading has no ids: its key at is of the type timestamp(6) with time zone",
    );
    const where = { readings: { some: { team: { isNot: { name: { equals: "two" } } } } } };
    expect(
      await shapes.run("bulkUpdateTeams", {
        selection: ["TeamSelection!", { where }],
        data: ["TeamBulkUpdateInput!", { name: { set: "new" } }],
      }),
    ).toMatchObject({
      progress: { total: 1, succeeded: 1 },
    });
    expect(
      await shapes.run("bulkDeleteTeams", { selection: ["TeamSelection!", { ids: ["1"] }] }),
    ).toMatchObject({
      status: "SUCCEEDED",
    });
    expect(await shapes.data("{ readings { totalCount } }")).toEqual({ readings: { totalCount: 3 } });
  });

  test("shows a viewer only the records in scope", async () => {
    const viewer = { id: "limited", roles: [], claims: {} } as never;
    expect(
      await shapes.data(
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
    await shapes.query(`INSERT INTO "Doc" VALUES (7, 1, 'a'), (7, 2, 'b'), (8, 1, 'c');
                     INSERT INTO "DocNote" VALUES (1, 'y', 'n', 7, 2), (2, 'x', 'm', 8, 1)`);
  });

  test("is filtered and ordered by another name, also through relations", async () => {
    expect(
      await shapes.data(`{
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
      await shapes.write("update", note, { id: ["ID!", "1"], data: ["DocNoteUpdateInput!", { id_: "z" }] }),
    ).toMatchObject({ id: "1", id_: "z" });
    expect(
      await shapes.write("update", note, { id: ["ID!", "1"], data: ["DocNoteUpdateInput!", { id_: "x" }] }),
    ).toMatchObject({
      problems: [{ field: "id_", message: "id_ must be unique: another record has x." }],
    });
    expect(
      await shapes.write("update", note, { id: ["ID!", "1"], data: ["DocNoteUpdateInput!", { id_: null }] }),
    ).toMatchObject({
      problems: [{ field: "id_", message: expect.stringContaining("DocNote.id_:") }],
    });
    expect(
      await shapes.run("bulkUpdateDocNotes", {
        selection: ["DocNoteSelection!", { where: { id_: { equals: "z" } } }],
        data: ["DocNoteBulkUpdateInput!", { id_: { set: "w" } }],
      }),
    ).toMatchObject({ progress: { succeeded: 1 } });
    expect(await shapes.query(`SELECT id FROM "DocNote" ORDER BY pk`)).toEqual([{ id: "w" }, { id: "x" }]);
  });
});

test("links of a model that is not named by its primary key are read, and not changed", async () => {
  await shapes.query(`INSERT INTO "Account" VALUES (1.5, 'a@b', 'a'); INSERT INTO "Group" VALUES (1, 'g');
                   INSERT INTO "_AccountToGroup" VALUES (1.5, 1)`);
  expect(
    await shapes.data(`{ groups(where: {accounts: {some: {email: {equals: "a@b"}}}}) { nodes { accounts { nodes { id number } } } }
      __type(name: "GroupUpdateInput") { inputFields { name } } }`),
  ).toEqual({
    groups: { nodes: [{ accounts: { nodes: [{ id: "a@b", number: "1.5" }] } }] },
    __type: { inputFields: [{ name: "name" }] },
  });
  const where = { groups: { some: { id: { equals: 1 } } } };
  expect(
    await shapes.run("bulkDeleteAccounts", { selection: ["AccountSelection!", { where }] }),
  ).toMatchObject({
    progress: { succeeded: 1 },
  });
});

import { Client } from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { Answer, ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";

const ANN = { id: "ann" };
const RECORDS = `nodes { recordId outcome record { __typename ... on City { id notes country { name } } } }`;

let service: ServiceFixture;

beforeAll(async () => {
  service = await createServiceFixture({
    City: { access: ({ viewer: { id } }) => (id === "ann" ? { population: { lt: 5 } } : true) },
  });
});
afterAll(() => service.stop());

async function change(ids: readonly string[], notes: string): Promise<Answer> {
  const { bulkUpdateCities } = await service.data(
    `mutation ($ids: [ID!]!, $notes: String!) {
      bulkUpdateCities(selection: {ids: $ids}, data: {notes: {set: $notes}}, options: {mode: SYNC}) {
        ... on TaskLaunched { task { id status records(first: 100) { ${RECORDS} } } }
        ... on Error { code message }
      }
    }`,
    { ids, notes },
  );
  return bulkUpdateCities.task;
}

it("the answer to a small bulk operation has the changed records as they are now, relations included", async () => {
  const task = await change(["1", "2", "999"], "new");
  const city = (id: string): object => ({
    recordId: id,
    outcome: "SUCCEEDED",
    record: { __typename: "City", id, notes: "new", country: { name: "France" } },
  });
  expect(task).toMatchObject({ status: "SUCCEEDED" });
  expect(task.records.nodes).toEqual([
    city("1"),
    city("2"),
    { recordId: "999", outcome: "SKIPPED", record: null },
  ]);
});

it("a record out of the viewer's scope, or deleted since, is null", async () => {
  const { id } = await change(["3", "4"], "then");
  await service.query("UPDATE city SET population = 9 WHERE id = 3");
  await service.query("DELETE FROM city WHERE id = 4");
  const query = `query ($id: ID!) { task(id: $id) { records { ${RECORDS} } } }`;
  const all = (await service.data(query, { id })).task.records.nodes;
  expect(all.map(({ record }: Answer) => record?.id)).toEqual(["3", undefined]);
  const anns = (await service.data(query, { id }, ANN)).task.records.nodes;
  expect(anns.map(({ recordId, record }: Answer) => [recordId, record])).toEqual([
    ["3", null],
    ["4", null],
  ]);
});

it("the history of a record has what became of it in each task, for those who see the record", async () => {
  const { id: first } = await change(["8", "3"], "first");
  const { id: second } = await change(["999", "8"], "second");
  const history = `query ($id: ID!, $where: TaskWhere) {
    tasks(first: 1, where: $where) {
      totalCount countByStatus { status count } pageInfo { hasNextPage }
      nodes { id records(record: { model: City, id: $id }) { totalCount nodes { recordId outcome } }
        none: records(record: { model: Country, id: "FR" }) { totalCount nodes { recordId } } }
    }
  }`;
  const of = async (id: string, viewer?: typeof ANN, more: object = {}): Promise<Answer> =>
    (await service.data(history, { id, where: { record: { model: "City", id }, ...more } }, viewer)).tasks;
  const records = (recordId: string, outcome: string): object => ({
    records: { totalCount: 1, nodes: [{ recordId, outcome }] },
    none: { totalCount: 0, nodes: [] },
  });
  expect(await of("8")).toEqual({
    totalCount: 2,
    countByStatus: [{ status: "SUCCEEDED", count: 2 }],
    pageInfo: { hasNextPage: true },
    nodes: [{ id: second, ...records("8", "SUCCEEDED") }],
  });
  expect(await of("8", undefined, { createdBefore: "2020-01-01" })).toMatchObject({ totalCount: 0 });
  expect((await of("999")).nodes).toEqual([{ id: second, ...records("999", "SKIPPED") }]);
  const nothing = { totalCount: 0, countByStatus: [], pageInfo: { hasNextPage: false }, nodes: [] };
  await service.query("UPDATE city SET population = 9 WHERE id = 8");
  // Out of her scope, and not there: what never was, and what was deleted, look alike.
  for (const id of ["8", "999", "4"]) {
    expect(await of(id, ANN)).toEqual(nothing);
  }
  await service.query("UPDATE city SET population = 1 WHERE id = 8");
  expect((await of("08", ANN)).nodes[0].id).toBe(second);
  expect((await of("8", ANN, { ids: [first] })).nodes[0].id).toBe(first);
  expect(
    await service.refused(`{ tasks(where: { record: { model: City, id: "x" } }) { totalCount } }`),
  ).toMatchObject({ code: "VALIDATION_FAILED", message: expect.stringContaining("City") as string });
});

it("the history of a record is read in one statement", async () => {
  await change(["9"], "a");
  const sent = vi.spyOn(Client.prototype, "query");
  await service.data(`{ tasks(where: { record: { model: City, id: "9" } }) { nodes { id } } }`);
  // The engine's own work reads tasks at any time, but by no record.
  const reads = sent.mock.calls.filter((call) => /= ANY \(c\.ids\)/.test(JSON.stringify(call)));
  expect(reads).toHaveLength(1);
  sent.mockRestore();
});

it("the records of several tasks are read in one statement", async () => {
  await change(["5"], "a");
  await change(["6", "7"], "b");
  const sent = vi.spyOn(Client.prototype, "query");
  // Only the statements that read cities: the engine's own work sends others at any time.
  const statements = async (fields: string): Promise<number> => {
    sent.mockClear();
    await service.data(
      `{ tasks(first: 5) { nodes { records(first: 5) { nodes { recordId ${fields} } } } } }`,
    );
    return sent.mock.calls.filter((call) => /\b(city|country)\b/.test(JSON.stringify(call))).length;
  };
  expect(await statements("")).toBe(0);
  expect(await statements("record { ... on City { id country { name } } }")).toBe(1);
  sent.mockRestore();
});

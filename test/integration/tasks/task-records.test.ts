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

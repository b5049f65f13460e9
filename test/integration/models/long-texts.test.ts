import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { NamedPeople } from "./named-people.ts";
import { createNamedPeople, newcomer } from "./named-people.ts";

let world: NamedPeople;

beforeAll(async () => {
  world = await createNamedPeople();
});
afterAll(() => world.stop());
beforeEach(() => world.reset());

/** Longer than an index of PostgreSQL allows, and without repetitions that it could compress. */
const LONG = Array.from({ length: 3000 }, (_, at) =>
  String.fromCodePoint(0x4e00 + ((at * 7919) % 20_000)),
).join("");

test("a text that is too long for its index is the record's problem, single and in bulk", async () => {
  const data = newcomer("single", { email: LONG });
  const single = await world.write("createPerson", { data: ["PersonCreateInput!", data] });
  expect(single.problems[0].message).toContain("too long for the database");
  const rows = ["a@x", LONG, "c@x"].map((email) => newcomer("N", { email }));
  const bulk = await world.api.run(
    "bulkCreatePeople",
    { data: ["[PersonBulkCreateInput!]!", rows] },
    { errorPolicy: "SKIP_FAILED" },
  );
  expect(bulk.status).toBe("PARTIAL");
  expect(bulk.errors).toMatchObject([{ code: "CONSTRAINT_VIOLATED" }]);
  expect(await world.people()).toHaveLength(4);
});

test("ids and keys of any length can be named in bulk", async () => {
  const row = { data: { label: "x" } };
  const byId = await world.api.run("bulkUpdateEachParcels", {
    records: ["[ParcelUpdateEachInput!]!", [{ id: LONG, ...row }]],
  });
  expect(byId.errors).toMatchObject([{ code: "RECORD_MISSING" }]);
  const byKey = await world.updateEach([
    { key: { email: LONG }, data: { name: "x" } },
    { id: "1", data: { name: "Anna" } },
  ]);
  expect(byKey.errors).toMatchObject([{ code: "RECORD_MISSING" }]);
  expect((await world.people())[0]).toContain("Anna");
});

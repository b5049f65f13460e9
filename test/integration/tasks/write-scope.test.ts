import { afterAll, beforeAll, expect, test } from "vitest";
import type { AccessOption, BulkRequest } from "../../../src/index.ts";
import { runBulk } from "./run-bulk.ts";
import type { ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";

let service: ServiceFixture;
/** The rules of cities, for the test at hand. */
let cities: AccessOption = true;

beforeAll(async () => {
  service = await createServiceFixture({
    City: {
      get access() {
        return cities;
      },
    },
    Country: {
      access: ({ viewer }) => (viewer.id === "french" ? { code: { equals: "FR" } } : true),
    },
  });
  await service.startWorker();
  await service.query("INSERT INTO country (code, name, continent) VALUES ('DE', 'Germany', 'EUROPE')");
});
afterAll(() => service.stop());

test("no bulk write can refer to records out of the viewer's scope", async () => {
  const french = { id: "french" };
  const outside = {
    outcome: "FAILED",
    code: "CONSTRAINT_VIOLATED",
    field: "countryCode",
    message: "countryCode: there is no record of that key to refer to.",
  };
  const moved = await runBulk(service, {
    operation: "UPDATE",
    viewer: french,
    selection: { ids: ["1", "2"] },
    change: { countryCode: { set: "DE" } },
  });
  expect(moved).toMatchObject({ status: "FAILED", progress: { failed: 2 } });
  expect(moved.errors).toMatchObject([outside, outside]);
  const record = (id: number, countryCode: string): object => ({
    id,
    name: "New",
    countryCode,
    population: 1,
    latitude: 0,
    longitude: 0,
  });
  const created = await runBulk(service, {
    operation: "CREATE",
    viewer: french,
    records: [record(70, "FR"), record(71, "DE")] as never,
  });
  expect(created.errors).toMatchObject([{ ...outside, recordId: "71", index: 1 }]);
  expect(
    await service.query("SELECT id, country_code FROM city WHERE id IN (1, 70, 71) ORDER BY id"),
  ).toEqual([
    { id: 1, country_code: "FR" },
    { id: 70, country_code: "FR" },
  ]);
  // References that the write does not name are not checked.
  await service.query("UPDATE city SET country_code = 'DE' WHERE id = 3");
  const letBe = await runBulk(service, {
    operation: "UPDATE",
    viewer: french,
    selection: { ids: ["3"] },
    change: { notes: { set: "still German" } },
  });
  expect(letBe).toMatchObject({ status: "SUCCEEDED" });
});

test("a bulk write goes as far as the access rules of its launcher allow", async () => {
  await service.query("UPDATE city SET population = id, notes = NULL");
  cities = {
    update: ({ viewer }) => (viewer.id === "small" ? { population: { lt: 4 } } : viewer.id !== "nobody"),
    delete: ({ viewer }) => viewer.id === "admin",
    fields: { notes: { write: ({ viewer }) => viewer.id !== "small" } },
  };
  const raise = { operation: "UPDATE", change: { population: { increment: 1 } } } as const;
  const byIds = await runBulk(service, {
    ...raise,
    viewer: { id: "small" },
    selection: { ids: ["2", "3", "9"] },
  });
  expect(byIds).toMatchObject({ progress: { succeeded: 1, failed: 1, skipped: 1 } });
  expect(byIds.errors).toMatchObject([
    { recordId: "3", message: "You may not write a City with these values." },
    { recordId: "9", code: "RECORD_MISSING" },
  ]);
  const byFilter = await runBulk(service, {
    ...raise,
    viewer: { id: "small" },
    selection: { where: { id: { lte: 5 } } },
  });
  expect(byFilter.progress).toMatchObject({ total: 3, succeeded: 1, failed: 2 });
  const launch = async (request: Partial<BulkRequest>): Promise<unknown> =>
    service.api.tasks.launchBulk({
      model: "City",
      ...("records" in request ? {} : { selection: { ids: ["5"] } }),
      options: {},
      ...request,
    } as BulkRequest);
  expect(await launch({ ...raise, viewer: { id: "nobody" } })).toEqual({
    kind: "FORBIDDEN",
    message: "You may not change any City.",
  });
  expect(await launch({ operation: "DELETE", viewer: { id: "small" } })).toMatchObject({ kind: "FORBIDDEN" });
  const named = { kind: "FORBIDDEN", message: "You may not write City.notes." };
  expect(
    await launch({ operation: "UPDATE", change: { notes: { set: "x" } }, viewer: { id: "small" } }),
  ).toEqual(named);
  expect(
    await launch({
      operation: "UPDATE_EACH",
      records: [{ id: "1", data: { notes: "x" } }],
      viewer: { id: "small" },
    } as never),
  ).toEqual(named);
  expect(
    await service.query("SELECT FROM city WHERE notes IS NOT NULL OR id = 5 AND population <> 5"),
  ).toEqual([]);
  // Whoever retries needs the rights, too.
  const { id: taskId } = byIds;
  expect(await service.api.tasks.retry(taskId, { viewer: { id: "nobody" } })).toMatchObject({
    kind: "FORBIDDEN",
  });
});

test("rules that have changed since the launch are heeded by the worker", async () => {
  await service.query("UPDATE city SET population = 1");
  cities = true;
  const release = await service.holdRows([1]);
  const blocking = await service.launched([1], "held");
  const { task } = await service.note([1, 2, 3], "late", { onConflict: "WAIT" });
  cities = { update: false };
  await release();
  expect((await service.settled(blocking)).status).toBe("SUCCEEDED");
  expect(await service.settled(task.id)).toMatchObject({
    status: "FAILED",
    message: "You may not change any City.",
  });
  expect((await service.notes())["2"]).toBeNull();
  cities = true;
});

import fc from "fast-check";
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

test("a bulk update reaches what a plain filter over the table lets through, by random rules and selections", async () => {
  type Rule = readonly [rule: AccessOption, admits: (id: number) => boolean];
  const rule = fc.constantFrom<Rule[]>(
    [true, () => true],
    [() => ({ id: { lt: 7 } }), (id) => id < 7],
    [() => ({ NOT: { id: { in: [2, 4, 6, 8] } } }), (id) => ![2, 4, 6, 8].includes(id)],
    [() => ({ OR: [{ id: { equals: 1 } }, { id: { gte: 9 } }] }), (id) => id === 1 || id >= 9],
  );
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 14 }), { minLength: 1, maxLength: 8 });
  const property = fc.asyncProperty(
    rule,
    rule,
    ids,
    fc.boolean(),
    async (read, update, named, isByFilter) => {
      cities = { read: read[0], update: update[0] } as AccessOption;
      await service.query("UPDATE city SET population = 0");
      const texts = named.map(String);
      const expected = named.filter((id) => id <= 12 && read[1](id) && update[1](id));
      const run = async (dryRun: boolean): Promise<readonly number[]> => {
        const { progress } = await runBulk(service, {
          operation: "UPDATE",
          selection: isByFilter ? { where: { id: { in: named } } } : { ids: texts },
          change: { population: { increment: 1 } },
          options: { errorPolicy: "SKIP_FAILED", mode: "SYNC", dryRun },
        });
        // One that a filter does not find is not there; one that is named is skipped.
        const total = isByFilter ? expected.length : named.length;
        expect([progress.total, progress.succeeded]).toEqual([total, expected.length]);
        const written = await service.query("SELECT id FROM city WHERE population > 0 ORDER BY id");
        return written.map(({ id }) => id as number);
      };
      expect(await run(true)).toEqual([]);
      expect(await run(false)).toEqual(expected.toSorted((one, other) => one - other));
    },
  );
  await fc.assert(property, { numRuns: 15 });
  cities = true;
});

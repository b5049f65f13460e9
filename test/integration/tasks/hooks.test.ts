import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { generated } from "../../../src/generated/powercrud.ts";
import type { Prisma } from "../../../src/generated/prisma/client.ts";
import type { ModelOptions, ModelOptionsOf } from "../../../src/index.ts";
import type { RunTask } from "./run-bulk.ts";
import { runBulk } from "./run-bulk.ts";
import type { Answer, ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

type Rules = ModelOptionsOf<typeof generated, "City">;

/** The app's rules in the running test. */
let rules: Rules = {};
let service: ServiceFixture;

beforeAll(async () => {
  service = await createServiceFixture({
    get City() {
      return rules as ModelOptions;
    },
  });
  await service.startWorker();
  await service.query("INSERT INTO country (code, name, continent) VALUES ('DE', 'Germany', 'EUROPE')");
});
afterAll(() => service.stop());
beforeEach(async () => {
  rules = {};
  await service.query(emptying("tag"));
  await service.query("DELETE FROM city WHERE id > 12");
  await service.query(
    "UPDATE city SET population = id, country_code = 'FR', name = 'City ' || id, notes = NULL",
  );
});

const run = (request: Parameters<typeof runBulk>[1]): Promise<RunTask> => runBulk(service, request);

const city = (id: number): Promise<Answer> =>
  service.query("SELECT * FROM city WHERE id = $1", [id]).then(([row]) => row);

const PROBLEMS = `__typename ... on Error { message } ... on ValidationError { problems { message field } }`;
const NEW = `name: "New", countryCode: "FR", population: 5, latitude: 1, longitude: 1`;

describe("one rule", () => {
  beforeEach(() => {
    rules = {
      validate(record, change) {
        const population =
          change.population?.set ?? (record?.population ?? 0) + (change.population?.increment ?? 0);
        return population > 100 ? [{ message: "Too many people.", field: "population" }] : [];
      },
      hooks: {
        // option: models.hooks.beforeDelete
        beforeDelete: ({ records }) =>
          records
            .filter(({ record }) => record?.notes === "keep")
            .map(({ id }) => ({ id, message: "It is kept." })),
      },
    };
  });
  const problems = [{ message: "Too many people.", field: "population" }];

  test("holds for single writes", async () => {
    await service.query("UPDATE city SET notes = 'keep' WHERE id = 2");
    const result = await service.data(`mutation {
      update: updateCity(id: "1", data: {population: 101}) { ${PROBLEMS} }
      create: createCity(data: {id: 50, ${NEW.replace("5,", "500,")}}) { ${PROBLEMS} }
      updated: upsertCity(id: "3", create: {id: 3, ${NEW}}, update: {population: 101}) { ${PROBLEMS} }
      created: upsertCity(id: "51", create: {id: 51, ${NEW.replace("5,", "500,")}}, update: {population: 1}) { ${PROBLEMS} }
      delete: deleteCity(id: "2") { ${PROBLEMS} }
      fine: updateCity(id: "1", data: {population: 100}) { ... on UpdateCityPayload { city { population } } }
      gone: deleteCity(id: "12") { __typename }
      missing: updateCity(id: "77", data: {population: 1}) { __typename }
    }`);
    const refused = { __typename: "ValidationError", message: "Too many people.", problems };
    expect(result).toEqual({
      update: refused,
      create: refused,
      updated: refused,
      created: refused,
      delete: {
        __typename: "ValidationError",
        message: "It is kept.",
        problems: [{ message: "It is kept.", field: null }],
      },
      fine: { city: { population: 100 } },
      gone: { __typename: "DeleteCityPayload" },
      missing: { __typename: "NotFoundError" },
    });
    expect(await service.query("SELECT id FROM city WHERE id IN (2, 12, 50, 51)")).toEqual([{ id: 2 }]);
    await service.query(
      "INSERT INTO city (id, name, country_code, population, latitude, longitude) VALUES (12, 'City 12', 'FR', 12, 0, 0)",
    );
  });

  test.each(["SYNC", "ASYNC"] as const)("holds for bulk writes, %s", async (mode) => {
    const increment = { population: { increment: 95 } };
    const task = await run({
      operation: "UPDATE",
      selection: { ids: ["4", "5", "6"] },
      change: increment,
      options: { errorPolicy: "SKIP_FAILED", mode },
    });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 2, failed: 1 } });
    expect(task.errors).toMatchObject([{ recordId: "6", code: "VALIDATION_FAILED", ...problems[0] }]);
    expect(await city(6)).toMatchObject({ population: 6 });
    expect(await city(5)).toMatchObject({ population: 100 });
    const whole = await run({
      operation: "UPDATE",
      selection: { ids: ["6", "4"] },
      change: increment,
      options: { errorPolicy: "ALL_OR_NOTHING", mode },
    });
    expect(whole).toMatchObject({ status: "FAILED", progress: { succeeded: 0 } });
    expect(await city(4)).toMatchObject({ population: 99 });
  });
});

test("hooks get records, changes and a client as Prisma types them, inside the transaction", async () => {
  const seen: unknown[] = [];
  rules = {
    hooks: {
      // option: models.hooks.beforeUpdate
      async beforeUpdate({ records }, { prisma }) {
        seen.push(records.find(({ id }) => id === "1"));
        await prisma.tag.createMany({ data: records.map(({ id }) => ({ label: `before ${id}` })) });
      },
      async afterUpdate({ records }, { prisma }) {
        const ids = records.map(({ record }) => record?.id ?? 0);
        seen.push(
          await prisma.city.count({ where: { id: { in: ids }, population: 40 } }),
          records[0]?.record?.population,
        );
        await prisma.tag.create({ data: { label: "before 1" } });
      },
    },
  };
  const task = await run({
    operation: "UPDATE",
    selection: { ids: ["1", "2"] },
    change: { population: { set: 40 }, status: { set: "ARCHIVED" }, notes: { set: null } },
  });
  expect(task).toMatchObject({ status: "SUCCEEDED" });
  expect(seen).toEqual([
    {
      id: "1",
      record: expect.objectContaining({
        id: 1,
        countryCode: "FR",
        status: "ACTIVE",
        elevation: null,
        updatedAt: expect.any(Date),
      }),
      before: expect.anything(),
      change: { population: { set: 40 }, status: { set: "ARCHIVED" }, notes: { set: null } },
    },
    2,
    40,
  ]);
  // The second hook violated the unique label by itself.
  expect(await service.query("SELECT label FROM tag ORDER BY label")).toEqual([
    { label: "before 1" },
    { label: "before 2" },
  ]);
  expect(await city(1)).toMatchObject({ population: 40, status: "ARCHIVED" });
});

test("a hook that violates a constraint fails its chunk with the words of the hook's table", async () => {
  rules = {
    hooks: {
      async beforeUpdate({ records }, { prisma }) {
        await prisma.city.updateMany({ where: { id: Number(records[0]?.id) }, data: { countryCode: "XX" } });
      },
    },
  };
  const task = await run({ operation: "UPDATE", selection: { ids: ["1"] }, change: { notes: { set: "x" } } });
  expect(task.errors).toMatchObject([{ recordId: "1", code: "CONSTRAINT_VIOLATED", field: "countryCode" }]);
  expect(await city(1)).toMatchObject({ notes: null, country_code: "FR" });
});

test("the chunk of a hook that loses a race is written again, once", async () => {
  let calls = 0;
  rules = {
    hooks: {
      async beforeUpdate(_chunk, { prisma }) {
        calls += 1;
        if (calls === 1) {
          await prisma.$executeRawUnsafe(
            "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40P01'; END $$",
          );
        }
      },
    },
  };
  const task = await run({
    operation: "UPDATE",
    selection: { ids: ["1", "2"] },
    change: { population: { increment: 1 } },
  });
  expect(task).toMatchObject({ status: "SUCCEEDED", attempt: 1, progress: { succeeded: 2 } });
  expect(calls).toBe(2);
  expect(await city(2)).toMatchObject({ population: 3 });
});

describe("an app's own writer", () => {
  const persisted: string[] = [];
  beforeEach(() => {
    persisted.length = 0;
    rules = {
      // option: models.persist
      async persist({ operation, records }, { prisma }) {
        persisted.push(operation);
        for (const { id, change } of records) {
          const where = { id: Number(id) };
          const data = Object.fromEntries(
            Object.entries(change).map(([name, value]) => [name, (value as { set: unknown }).set]),
          );
          if (operation === "DELETE") {
            await prisma.city.delete({ where });
          } else if (operation === "CREATE") {
            await prisma.city.create({
              data: { ...data, notes: "by the service" } as Prisma.CityUncheckedCreateInput,
            });
          } else {
            await prisma.city.update({ where, data: { ...data, notes: "by the service" } });
          }
        }
        return records
          .filter(({ change }) => change.name?.set === "no")
          .map(({ id }) => ({ id, message: "Not that name.", field: "name" }));
      },
    };
  });

  test("serves single writes", async () => {
    const result = await service.data(`mutation {
      create: createCity(data: {id: 60, ${NEW}}) { ... on CreateCityPayload { city { id notes } } }
      update: updateCity(id: "60", data: {population: 6}) { ... on UpdateCityPayload { city { population notes } } }
      refused: updateCity(id: "60", data: {name: "no"}) { ${PROBLEMS} }
      broken: updateCity(id: "60", data: {countryCode: "XX"}) { ${PROBLEMS} }
      delete: deleteCity(id: "60") { ... on DeleteCityPayload { city { id population } } }
    }`);
    expect(result).toEqual({
      create: { city: { id: "60", notes: "by the service" } },
      update: { city: { population: 6, notes: "by the service" } },
      refused: {
        __typename: "ValidationError",
        message: "Not that name.",
        problems: [{ message: "Not that name.", field: "name" }],
      },
      broken: {
        __typename: "ValidationError",
        message: "countryCode: there is no record of that key to refer to.",
        problems: [expect.objectContaining({ field: "countryCode" })],
      },
      delete: { city: { id: "60", population: 6 } },
    });
    expect(persisted).toEqual(["CREATE", "UPDATE", "UPDATE", "UPDATE", "DELETE"]);
  });

  test("serves bulk writes, and only offending records fail", async () => {
    const records = [1, 2, 3].map((id) => ({
      id: String(id),
      data: { name: `Named ${id}`, countryCode: id === 2 ? "XX" : "DE" },
    }));
    const task = await run({ operation: "UPDATE_EACH", records });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 2, failed: 1 } });
    expect(task.errors).toMatchObject([
      { recordId: "2", code: "CONSTRAINT_VIOLATED", field: "countryCode", index: 1 },
    ]);
    expect(await city(3)).toMatchObject({ name: "Named 3", country_code: "DE", notes: "by the service" });
    expect(await city(2)).toMatchObject({ name: "City 2", country_code: "FR", notes: null });
  });
});

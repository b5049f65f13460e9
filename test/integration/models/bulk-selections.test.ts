import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkCities } from "./bulk-cities.ts";
import { BLUE, ELSEWHERE, GREEN, RED, SKIP_FAILED, createBulkCities, ids } from "./bulk-cities.ts";

let world: BulkCities;

beforeAll(async () => {
  world = await createBulkCities();
});
afterAll(() => world.api.stop());
beforeEach(() => world.reset());

describe("bulk update", () => {
  test("sets an enum, a foreign key, a number and links at once", async () => {
    const task = await world.updateCities(
      { ids: ids(1, 30) },
      {
        status: { set: "ARCHIVED" },
        countryCode: { set: "DE" },
        population: { increment: 1000 },
        tags: { set: [GREEN, BLUE] },
      },
    );
    expect(task).toMatchObject({
      kind: "bulkUpdate",
      status: "SUCCEEDED",
      progress: { total: 30, succeeded: 30, failed: 0, skipped: 0 },
    });
    const [first, thirtieth, other] = await world.cities("id IN (1, 30, 31)");
    const changed = { status: "ARCHIVED", country_code: "DE", tags: ["blue", "green"], touched: true };
    expect(first).toMatchObject({ ...changed, population: 1001 });
    expect(thirtieth).toMatchObject({ ...changed, population: 1030 });
    expect(other).toMatchObject({
      status: "ACTIVE",
      country_code: "FR",
      population: 31,
      tags: [],
      touched: false,
    });
  });

  test("adds and removes links, and clears nullable fields", async () => {
    const data = { tags: { add: [GREEN], remove: [RED], set: null }, elevation: { set: null } };
    expect(await world.updateCities({ ids: ids(4, 25) }, data)).toMatchObject({ status: "SUCCEEDED" });
    expect(await world.cities("id IN (3, 5, 6)")).toMatchObject([
      { id: 3, tags: ["red"], elevation: 100 },
      { id: 5, tags: ["green"], elevation: null },
      { id: 6, tags: ["green"], elevation: null },
    ]);
    expect(await world.updateCities({ ids: ids(4, 25) }, { tags: { set: [] } })).toMatchObject({
      status: "SUCCEEDED",
    });
    expect(await world.cities("id = 5")).toMatchObject([{ tags: [] }]);
  });

  test.each([
    [{ tags: { add: [ELSEWHERE] } }, { field: "tags", code: "CONSTRAINT_VIOLATED" }, ELSEWHERE],
    [{ tags: { add: ["x"] } }, { field: "tags", code: "VALIDATION_FAILED" }, '"x" is not an id of Tag'],
    [{ tags: { add: [RED], set: [RED] } }, { field: "tags" }, "either set, or add and remove"],
    [
      { tags: { add: [GREEN, RED], remove: [RED.toUpperCase()] } },
      { field: "tags", code: "VALIDATION_FAILED" },
      `City.tags: Tag ${RED} is in add and in remove.`,
    ],
    [{ notes: null }, { field: "notes" }, "City.notes: give set; to clear it, give {set: null}."],
    [{ name: {} }, { field: "name" }, "City.name: give set."],
    [{ tags: {} }, { field: "tags" }, "give add, remove, or set"],
    [{ tags: null }, { field: "tags" }, "give add, remove, or set"],
    [{ name: { set: null } }, { field: "name" }, "cannot be null"],
    [{ population: { increment: null } }, { field: "population" }, "not null"],
    [{ population: { set: 1, increment: 1 } }, { field: "population" }, "exactly one"],
    [{}, { field: null }, "names no field"],
  ])("is refused for %j", async (data, problem, message) => {
    const refused = await world.updateCities({ ids: ["1"] }, data);
    expect(refused).toMatchObject({ __typename: "ValidationError", problems: [problem] });
    expect(refused.message).toContain(message);
    expect(await world.cities("c.updated_at > '2021-06-01'")).toEqual([]);
  });

  test("to a missing foreign key fails every record, naming the field", async () => {
    const task = await world.updateCities({ ids: ids(1, 25) }, { countryCode: { set: "ZZ" } }, SKIP_FAILED);
    expect(task).toMatchObject({ status: "FAILED", progress: { succeeded: 0, failed: 25 } });
    expect(task.errors[0]).toMatchObject({
      code: "CONSTRAINT_VIOLATED",
      field: "countryCode",
      message: "countryCode: there is no record ZZ to refer to.",
    });
  });

  test("changes only the named fields, and skips deleted and unknown records", async () => {
    await world.api.query("DELETE FROM city WHERE id = 7; UPDATE city SET notes = 'mine' WHERE id = 8");
    const task = await world.updateCities({ ids: [...ids(1, 25), "999"] }, { name: { set: "X" } });
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 24, skipped: 2 } });
    expect(task.errors).toMatchObject([
      { recordId: "7", outcome: "SKIPPED", code: "RECORD_MISSING", index: null },
      { recordId: "999", outcome: "SKIPPED" },
    ]);
    expect(await world.cities("id IN (7, 8)")).toMatchObject([{ id: 8, name: "X", notes: "mine" }]);
  });
});

describe("bulk delete", () => {
  test("skips rows that are already deleted", async () => {
    const task = await world.api.run("bulkDeleteCities", {
      selection: ["CitySelection!", { ids: [...ids(40, 50), ...ids(90, 99)] }],
    });
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 11, skipped: 10 } });
    expect(task.errors[0]).toMatchObject({ recordId: "90", outcome: "SKIPPED", code: "RECORD_MISSING" });
    expect(await world.cities("id >= 40")).toEqual([]);
  });
});

describe("a selection by search", () => {
  const data = { population: { set: 7 } };

  test("changes what a list with the same search and filter shows, within the scope", async () => {
    const where = { elevation: { gte: 100 }, population: { lt: 20 } };
    const { cities } = await world.api.data(
      "query($where: CityWhere) { cities(search: $text, where: $where) { nodes { id } } }".replace(
        "$text",
        '"city 1"',
      ),
      { where },
    );
    const listed = (cities.nodes as { readonly id: string }[]).map(({ id }) => Number(id));
    expect(listed).toHaveLength(11);
    const task = await world.updateCities({ search: { text: "city 1", where } }, data);
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { total: 11, succeeded: 11 } });
    const changed = await world.cities("population = 7 AND c.updated_at > '2021-06-01'");
    expect(changed.map(({ id }) => id)).toEqual(listed.toSorted((a, b) => a - b));
    await world.api.query("UPDATE city SET latitude = -1 WHERE id > 12");
    const northern = await world.api.run(
      "bulkDeleteCities",
      { selection: ["CitySelection!", { search: { text: "city 1" } }] },
      {},
      { id: "a", claims: { north: true } },
    );
    expect(northern).toMatchObject({ progress: { total: 4 } });
  });

  test("stores the search as it was given", async () => {
    const task = await world.updateCities({ search: { text: " City  49 " } }, data);
    const { task: found } = await world.api.data(`{ task(id: "${String(task.id)}") { input } }`);
    expect(found.input).toEqual({ selection: { where: {}, search: " City  49 " }, data });
  });

  test("means every record if it is blank, and is refused without a limit then", async () => {
    expect(await world.updateCities({ search: { text: " " } }, data)).toMatchObject({
      problems: [{ field: "options.maxAffected" }],
    });
    expect(
      await world.updateCities({ search: { text: "", where: { id: { equals: 3 } } } }, data),
    ).toMatchObject({
      progress: { total: 1 },
    });
    expect(await world.updateCities({ search: { text: "%" } }, data)).toMatchObject({
      progress: { total: 0 },
    });
  });

  test("is refused if it is too long, or its filter names no condition", async () => {
    expect(await world.updateCities({ search: { text: "x".repeat(201) } }, data)).toMatchObject({
      problems: [
        { field: "selection.search.text", message: expect.stringContaining("at most 200") as string },
      ],
    });
    expect(await world.updateCities({ search: { text: "x", where: { name: {} } } }, data)).toMatchObject({
      problems: [{ field: "selection.search.where.name" }],
    });
  });
});

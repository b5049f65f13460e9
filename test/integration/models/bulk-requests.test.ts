import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";

let api: ModelsFixture;

beforeAll(async () => {
  api = await createModelsFixture();
});
afterAll(() => api.stop());

const ERRORS = "... on Error { message code } ... on ValidationError { problems { field code message } }";

test("bulk mutations become requests that a task can store", async () => {
  api.launches.length = 0;
  await api.data(
    `mutation ($at: DateTime!) {
      bulkUpdateCities(
        selection: {where: {country: {is: {population: {gt: "9007199254740993"}}}, updatedAt: {lt: $at}, AND: [], elevation: {isNull: true}}},
        data: {population: {increment: 1}, status: {set: ARCHIVED}, notes: {set: null}},
        options: {errorPolicy: SKIP_FAILED, maxAffected: 5, label: null}
      ) { __typename }
      bulkDeleteTags(selection: {ids: ["a", "b"]}) { __typename }
    }`,
    { at: "2026-01-31T12:00:00+01:00" },
  );
  expect(structuredClone(api.launches)).toEqual([
    {
      operation: "UPDATE",
      model: "City",
      viewer: { id: null },
      selection: {
        where: {
          country: { is: { population: { gt: "9007199254740993" } } },
          updatedAt: { lt: "2026-01-31T11:00:00.000Z" },
          elevation: { isNull: true },
        },
      },
      change: { population: { increment: 1 }, status: { set: "ARCHIVED" }, notes: { set: null } },
      options: {
        onConflict: "REJECT",
        errorPolicy: "SKIP_FAILED",
        mode: "AUTO",
        maxAffected: 5,
        dryRun: false,
        ifUnfinished: "RETURN",
        allowDuplicate: false,
      },
    },
    { operation: "DELETE", model: "Tag", viewer: { id: null }, selection: { ids: ["a", "b"] }, options: {} },
  ]);
});

test("lists of records become requests that a task can store", async () => {
  api.launches.length = 0;
  await api.data(
    `mutation ($at: DateTime!) {
      bulkCreateCountries(data: [{code: "XX", name: "X", continent: EUROPE, population: "9007199254740993", languages: ["fr"]}]) { __typename }
      bulkUpdateEachCities(records: [{id: "1", data: {notes: null, tags: {add: ["a"], remove: null}}, expectedUpdatedAt: $at}]) { __typename }
      bulkUpsertTags(records: [{id: "a", create: {label: "x", cities: ["1"]}, update: {label: "y", cities: {set: []}}}]) { __typename }
    }`,
    { at: "2026-01-31T12:00:00+01:00" },
  );
  const common = { viewer: { id: null }, options: {} };
  expect(structuredClone(api.launches)).toEqual([
    {
      ...common,
      operation: "CREATE",
      model: "Country",
      records: [
        {
          code: "XX",
          name: "X",
          continent: "EUROPE",
          population: "9007199254740993",
          languages: { add: ["fr"] },
        },
      ],
    },
    {
      ...common,
      operation: "UPDATE_EACH",
      model: "City",
      records: [
        {
          id: "1",
          data: { notes: null, tags: { add: ["a"] } },
          expectedUpdatedAt: "2026-01-31T11:00:00.000Z",
        },
      ],
    },
    {
      ...common,
      operation: "UPSERT",
      model: "Tag",
      records: [
        {
          id: "a",
          create: { label: "x", cities: { add: ["1"] } },
          update: { label: "y", cities: { set: [] } },
        },
      ],
    },
  ]);
});

test("a filter whose variable is missing is refused, not widened", async () => {
  const { bulkDeleteCities } = await api.data(
    `mutation ($name: String) { bulkDeleteCities(selection: {where: {name: {equals: $name}}}) { __typename ${ERRORS} } }`,
  );
  expect(bulkDeleteCities).toMatchObject({
    __typename: "ValidationError",
    problems: [{ field: "selection.where.name" }],
  });
});

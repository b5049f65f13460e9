import { afterAll, beforeAll, expect, test } from "vitest";
import type { Answer, ServiceFixture } from "../tasks/service-fixture.ts";
import { createServiceFixture } from "../tasks/service-fixture.ts";

/** JSON can carry half of a surrogate pair; PostgreSQL refuses it, as a syntax error where the text is in JSON. */
const HALF = "F\ud83d";

let service: ServiceFixture;

beforeAll(async () => {
  service = await createServiceFixture();
});
afterAll(() => service.stop());

const BULK = `mutation ($selection: CountrySelection!, $data: CountryBulkUpdateInput!) {
  bulkUpdateCountries(selection: $selection, data: $data, options: {mode: ASYNC}) {
    __typename ... on ValidationError { problems { code field message } } } }`;

async function launch(selection: object, data: object): Promise<Answer> {
  return (await service.data(BULK, { selection, data })).bulkUpdateCountries;
}

test("a bulk launch on an id with half a surrogate pair is refused with the reason", async () => {
  expect(await launch({ ids: ["FR", HALF] }, { name: { set: "France" } })).toEqual({
    __typename: "ValidationError",
    problems: [
      {
        code: "VALIDATION_FAILED",
        field: "selection.ids",
        message: expect.stringMatching(/ is not an id of Country: /),
      },
    ],
  });
});

test("a bulk launch that sets half a surrogate pair is refused with the reason", async () => {
  expect(await launch({ ids: ["FR"] }, { name: { set: HALF } })).toMatchObject({
    __typename: "ValidationError",
    problems: [{ field: "name", message: expect.stringContaining("halves of characters") }],
  });
});

test("a bulk launch with half a surrogate pair in its filter is refused with the reason", async () => {
  for (const name of [{ equals: HALF }, { in: ["France", HALF] }]) {
    expect(await launch({ where: { name } }, { name: { set: "France" } })).toMatchObject({
      __typename: "ValidationError",
      problems: [{ message: expect.stringContaining("halves of characters") }],
    });
  }
});

test("a single write and a query with half a surrogate pair are refused with the reason", async () => {
  const { updateCountry } = await service.data(
    `mutation ($id: ID!) { updateCountry(id: $id, data: {name: "France"}) {
      __typename ... on ValidationError { problems { field } } } }`,
    { id: HALF },
  );
  expect(updateCountry).toEqual({ __typename: "ValidationError", problems: [{ field: "id" }] });
  await expect(service.data(`query ($id: ID!) { country(id: $id) { name } }`, { id: HALF })).rejects.toThrow(
    / is not an id of Country: /,
  );
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { insertSampleRecords } from "./sample-records.ts";

let api: ModelsFixture;

beforeAll(async () => {
  api = await createModelsFixture();
  await insertSampleRecords(api);
});
afterAll(() => api.stop());

async function refusal(field: string): Promise<string> {
  const { code, message } = await api.refused(`{ ${field} }`);
  expect(code).toBe("VALIDATION_FAILED");
  return message;
}

describe("groups", () => {
  test("have their keys and figures, with conditions and an order, by one statement", async () => {
    const expected = await api.query(
      `SELECT country_code AS code, status::text, count(*)::int, sum(population)::text AS population FROM city
        GROUP BY country_code, city.status HAVING count(*) > 4 AND sum(population) >= 20 ORDER BY sum(population) DESC, 1, city.status`,
    );
    api.sql.length = 0;
    const { citiesGroupBy } = await api.data(
      `{ citiesGroupBy(by: [countryCode, status], having: {count: {gt: 4}, sum: {population: {gte: 20}}},
           orderBy: [{sum: {population: DESC}}]) { key { countryCode status } count sum { population } } }`,
    );
    expect(citiesGroupBy.length).toBeGreaterThan(3);
    expect(citiesGroupBy).toEqual(
      expected.map(({ code, status, count, population }) => ({
        key: { countryCode: code, status },
        count,
        sum: { population },
      })),
    );
    expect(api.sql).toHaveLength(1);
  });

  test("of a null are a group, which stands where the order says", async () => {
    const heights = async (orderBy: string): Promise<unknown[]> =>
      (
        await api.data(`{ citiesGroupBy(by: [elevation], ${orderBy}) { key { elevation countryCode } } }`)
      ).citiesGroupBy.map(({ key }: Answer) => key.elevation);
    expect(await heights("first: 2")).toEqual([0, 1]);
    expect(await heights("orderBy: [{key: {elevation: DESC}}], first: 2")).toEqual([null, 6]);
    expect(await heights("orderBy: [{key: {elevation: DESC_NULLS_LAST}}]")).toEqual([
      6,
      5,
      4,
      3,
      2,
      1,
      0,
      null,
    ]);
  });

  test("take conditions joined by AND, OR and NOT", async () => {
    const { citiesGroupBy } = await api.data(
      `{ citiesGroupBy(by: [population], having: {OR: [{max: {id: {equals: 300}}}, {NOT: {min: {id: {not: 2}}}}]}) { key { population } } }`,
    );
    expect(citiesGroupBy).toEqual([{ key: { population: 0 } }, { key: { population: 2 } }]);
  });

  test("of periods begin with the day, week, month or year in a time zone", async () => {
    await api.query(
      `UPDATE city SET updated_at = CASE WHEN id <= 100 THEN '2026-03-31T22:30:00Z' WHEN id <= 250 THEN '2026-03-31T21:30:00Z' ELSE '2025-12-31T23:59:00Z' END::timestamptz`,
    );
    const periods = async (key: string, zone = ""): Promise<unknown[]> =>
      (
        await api.data(
          `{ citiesGroupBy(by: [updatedAt_${key}]${zone}) { key { at: updatedAt_${key} } count } }`,
        )
      ).citiesGroupBy.map(({ key: { at }, count }: Answer) => [at, count]);
    const PARIS = `, timeZone: "Europe/Paris"`;
    expect(await periods("HOUR")).toEqual([
      ["2025-12-31T23:00:00.000Z", 50],
      ["2026-03-31T21:00:00.000Z", 150],
      ["2026-03-31T22:00:00.000Z", 100],
    ]);
    expect(await periods("DAY", PARIS)).toEqual([
      ["2025-12-31T23:00:00.000Z", 50],
      ["2026-03-30T22:00:00.000Z", 150],
      ["2026-03-31T22:00:00.000Z", 100],
    ]);
    expect(await periods("WEEK")).toEqual([
      ["2025-12-29T00:00:00.000Z", 50],
      ["2026-03-30T00:00:00.000Z", 250],
    ]);
    expect(await periods("MONTH", PARIS)).toEqual([
      ["2025-12-31T23:00:00.000Z", 50],
      ["2026-02-28T23:00:00.000Z", 150],
      ["2026-03-31T22:00:00.000Z", 100],
    ]);
    expect(await periods("YEAR")).toEqual([
      ["2025-01-01T00:00:00.000Z", 50],
      ["2026-01-01T00:00:00.000Z", 250],
    ]);
  });

  test.each([
    ["[countryCode, status]", ""],
    ["[elevation, status]", "orderBy: [{key: {elevation: DESC}}]"],
    ["[elevation, status]", "orderBy: [{max: {elevation: ASC_NULLS_FIRST}}, {key: {status: DESC}}]"],
    ["[population, elevation]", "orderBy: [{sum: {elevation: DESC_NULLS_LAST}}], having: {count: {gt: 5}}"],
    ["[countryCode]", "orderBy: [{avg: {latitude: DESC}}, {count: ASC}]"],
    ["[updatedAt_DAY, countryCode]", `timeZone: "Asia/Tokyo", orderBy: [{key: {updatedAt_DAY: DESC}}]`],
    ["[latitude, updatedAt]", "orderBy: [{min: {updatedAt: DESC}}]"],
  ])("by %s %s go on behind a cursor, without gaps or repeats", async (by, args) => {
    await api.query(
      "UPDATE city SET updated_at = '2026-03-31T22:30:00.123456Z'::timestamptz + id % 7 * interval '5 hours'",
    );
    const page = async (first: number, after: string | null): Promise<Answer[]> =>
      (
        await api.data(
          `query ($first: Int, $after: String) { citiesGroupBy(by: ${by}, first: $first, after: $after, ${args}) {
             cursor count key { countryCode status elevation population latitude updatedAt updatedAt_DAY } } }`,
          { first, after },
        )
      ).citiesGroupBy;
    const all = await page(1_000, null);
    const walked: Answer[] = [];
    for (let groups = await page(7, null); groups.length > 0; groups = await page(7, groups.at(-1).cursor)) {
      walked.push(...groups);
    }
    expect(all.length).toBeGreaterThan(10);
    expect(walked).toEqual(all);
  });

  test("are 20 if nobody says how many, and go on after a cursor of the same keys, order and time zone only", async () => {
    const { citiesGroupBy } = await api.data(
      `{ citiesGroupBy(by: [updatedAt_HOUR, id], timeZone: "Europe/Paris") { cursor } }`,
    );
    expect(citiesGroupBy).toHaveLength(20);
    const [{ cursor }] = citiesGroupBy;
    for (const args of [
      `by: [updatedAt_HOUR, id]`,
      `by: [updatedAt_HOUR], timeZone: "Europe/Paris"`,
      `by: [updatedAt_HOUR, id], timeZone: "Europe/Paris", orderBy: [{count: ASC}]`,
    ]) {
      expect(await refusal(`citiesGroupBy(${args}, after: "${cursor}") { count }`)).toContain(
        "after is a cursor of a list ordered by updatedAt_HOUR in Europe/Paris asc nulls last, id asc nulls last; this one is ordered by",
      );
    }
    const forged = Buffer.from(JSON.stringify(["id asc nulls last", "x"])).toString("base64url");
    expect(await refusal(`citiesGroupBy(by: [id], after: "${forged}") { count }`)).toBe(
      "after is a damaged cursor. Take it from an earlier page.",
    );
  });

  test.each([
    ["by: []", "by must name 1 to 10 keys, not 0."],
    ["by: [status], first: 1001", "first must be at most 1000, not 1001. Ask for the next page with after."],
    ["by: [status], first: -1", "first must be 0 or more, not -1."],
    ['by: [status], after: "x"', /^after is not a cursor/],
    ['by: [status], timeZone: "Paris"', /"Paris" is not the IANA name of a time zone, such as Europe\/Paris/],
    ['by: [status], timeZone: "+02:00"', /is not the IANA name/],
    [
      "by: [status], orderBy: [{key: {name: ASC}}]",
      "orderBy: groups can be sorted by name only if it is in by.",
    ],
    ["by: [status], having: {sum: {}}", /^having\.sum names no column/],
    ["by: [status], having: {sum: null}", /^having\.sum must not be null/],
    ["by: [status], having: {avg: {latitude: {}}}", /^having\.avg\.latitude names no condition/],
    ["by: [status], having: {AND: [{count: {gt: null}}]}", /^having\.AND\[0\]\.count\.gt must not be null/],
  ])("of %s are refused", async (args, message) => {
    expect(await refusal(`citiesGroupBy(${args}) { count }`)).toMatch(message);
  });
});

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";

/** Half an hour off, and with summer time. */
const ZONE = "America/St_Johns";
const DAY_MS = 86_400_000;
const NOON = "2026-07-01T12:00:00.000Z";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkModels(
    "native-models.prisma",
    {
      models: {
        Native: {
          hooks: {
            // What the app's own client writes is read by the same rules.
            async afterCreate({ records }, { prisma }) {
              for (const { id, record } of records) {
                const { timestamptz, date, time } = record as Answer;
                const data = { timestamptzS: NOON, timestampS: timestamptz, dates: [date], timeS: time };
                await (prisma as Answer).native.update({ where: { id: Number(id) }, data });
              }
            },
          },
        },
      },
    },
    `CREATE EXTENSION citext;
     DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone TO %L', current_database(), '${ZONE}'); END $$;`,
  );
});
afterAll(() => api.stop());

/** What each column keeps of a moment. */
const KEPT: Readonly<Record<string, (at: number) => number>> = {
  timestamp: (at) => at,
  timestamptz: (at) => at,
  date: (at) => Math.floor(at / DAY_MS) * DAY_MS,
  time: (at) => ((at % DAY_MS) + DAY_MS) % DAY_MS,
  timetz: (at) => ((at % DAY_MS) + DAY_MS) % DAY_MS,
};

const iso = (at: number): string => new Date(at).toISOString();

/** Moments to the second, so that each column keeps all of them; many at the hours when days and summer time begin. */
const MOMENTS = fc
  .oneof(
    fc.integer({ min: Date.parse("1950-01-01") / 1000, max: Date.parse("2050-01-01") / 1000 }),
    fc
      .tuple(
        fc.constantFrom("2026-03-08T05:30:00Z", "2026-11-01T04:30:00Z", "2026-07-01T02:30:00Z"),
        fc.integer({ min: -7200, max: 7200 }),
      )
      .map(([text, seconds]) => Date.parse(text) / 1000 + seconds),
  )
  .map((seconds) => seconds * 1000);

test("the database is in another zone, for all who do not choose one", async () => {
  const [{ name }] = await api.query("SELECT current_database() AS name");
  const settings = await api.query(
    `SELECT setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = '${name}'`,
  );
  expect(settings).toEqual([{ setconfig: [`TimeZone=${ZONE}`] }]);
});

test("moments, days and times of day are written, read, filtered, ordered and grouped by their UTC values", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(MOMENTS, { minLength: 2, maxLength: 4 }), async (moments) => {
      await api.query(`TRUNCATE "Native"`);
      const data = moments.map((at, id) => ({ id, ...valuesOf(at) }));
      // One by a single write, the others in bulk, and all of them once more by a change.
      await api.data(
        `mutation ($data: NativeCreateInput!) { createNative(data: $data) { __typename ... on Error { message } } }`,
        { data: data[0] },
      );
      const types = { create: "[NativeBulkCreateInput!]!", each: "[NativeUpdateEachInput!]!" };
      await api.run("bulkCreateNatives", { data: [types.create, data.slice(1)] }, { mode: "SYNC" });
      await api.run(
        "bulkUpdateEachNatives",
        { records: [types.each, data.map(({ id, ...change }) => ({ id: String(id), data: change }))] },
        { mode: "SYNC" },
      );
      const answer = await api.data(
        `query (${Object.keys(KEPT)
          .map((name) => `$${name}: DateTime, $from_${name}: DateTime`)
          .join(", ")}) {
           natives(orderBy: [{timestamptz: ASC}]) { nodes { id ${Object.keys(KEPT).join(" ")} timestamptzS timestampS dates timeS } }
           ${Object.keys(KEPT)
             .map(
               (name) =>
                 `equal_${name}: natives(where: {${name}: {equals: $${name}}}) { nodes { id } } from_${name}: natives(where: {${name}: {gte: $from_${name}}}) { nodes { id } }`,
             )
             .join(" ")}
           days: nativesGroupBy(by: [timestamptz_DAY]) { key { timestamptz_DAY } count }
           local: nativesGroupBy(by: [timestamp_DAY], timeZone: "${ZONE}") { key { timestamp_DAY } count max { timestamp } }
           dates: nativesGroupBy(by: [date_MONTH]) { key { date_MONTH } }
         }`,
        Object.fromEntries(
          Object.entries(valuesOf(moments[0] ?? 0)).flatMap(([name, value]) => [
            [name, value],
            [`from_${name}`, value],
          ]),
        ),
      );
      expect(answer).toEqual(expectedOf(moments));
    }),
    { numRuns: 12 },
  );
});

function valuesOf(at: number): Record<string, string> {
  return Object.fromEntries(Object.entries(KEPT).map(([name, kept]) => [name, iso(kept(at))]));
}

/** The answer, worked out here. */
function expectedOf(moments: readonly number[]): unknown {
  const first = moments[0] ?? 0;
  const ids = (isFound: (at: number) => boolean): unknown => ({
    nodes: moments.flatMap((at, id) => (isFound(at) ? [{ id: String(id) }] : [])),
  });
  const sorted = moments.map((at, id) => ({ at, id: String(id) })).toSorted((a, b) => a.at - b.at);
  const groups = (keyOf: (at: number) => number): readonly (readonly [number, number[]])[] =>
    [...new Set(moments.map(keyOf))]
      .toSorted((a, b) => a - b)
      .map((key) => [key, moments.filter((at) => keyOf(at) === key)]);
  return {
    natives: {
      nodes: sorted.map(({ at, id }) => {
        const { timestamp, timestamptz, date, time, timetz } = valuesOf(at);
        const byHook = { timestamptzS: NOON, timestampS: timestamptz, dates: [date], timeS: time };
        return { id, timestamp, timestamptz, date, time, timetz, ...byHook };
      }),
    },
    ...Object.fromEntries(
      Object.entries(KEPT).flatMap(([name, kept]) => [
        [`equal_${name}`, ids((at) => kept(at) === kept(first))],
        [`from_${name}`, ids((at) => kept(at) >= kept(first))],
      ]),
    ),
    days: groups(startOfDay).map(([at, all]) => ({ key: { timestamptz_DAY: iso(at) }, count: all.length })),
    local: groups(startOfLocalDay).map(([at, all]) => ({
      key: { timestamp_DAY: iso(at) },
      count: all.length,
      max: { timestamp: iso(Math.max(...all)) },
    })),
    dates: groups((at) => Date.UTC(new Date(at).getUTCFullYear(), new Date(at).getUTCMonth())).map(
      ([at]) => ({
        key: { date_MONTH: iso(at) },
      }),
    ),
  };
}

function startOfDay(at: number): number {
  return Math.floor(at / DAY_MS) * DAY_MS;
}

const LOCAL_DAY = new Intl.DateTimeFormat("sv", { timeZone: ZONE, dateStyle: "short", timeStyle: "long" });

/** The first second of the moment's day in the zone, found by trying: the offset of each second is the platform's. */
function startOfLocalDay(at: number): number {
  const dayOf = (moment: number): string => LOCAL_DAY.format(moment).slice(0, 10);
  let [before, within] = [at - 2 * DAY_MS, at];
  while (within - before > 1000) {
    const middle = Math.floor((before + within) / 2000) * 1000;
    if (dayOf(middle) === dayOf(at)) {
      within = middle;
    } else {
      before = middle;
    }
  }
  return within;
}

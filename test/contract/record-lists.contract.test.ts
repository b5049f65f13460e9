import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WhereFilter } from "../../src/core/access/access.ts";
import { ANONYMOUS } from "../../src/core/access/viewer.ts";
import { readCell } from "../../src/core/files/csv-text.ts";
import type { FileColumn } from "../../src/core/files/file-column.ts";
import { readingOf } from "../../src/core/files/file-reading.ts";
import { spellingOf } from "../../src/core/files/spelling.ts";
import { parseOrder } from "../../src/core/filters/order-terms.ts";
import { accessOf } from "../../src/core/records/model-options.ts";
import type { Json } from "../../src/kernel/json.ts";
import { toJsonValue } from "../../src/kernel/json.ts";
import { readCsv, textOf } from "../support/read-csv.ts";
import { judgeFilter } from "../../src/core/filters/asks-nothing.ts";
import { keysFilter } from "../../src/core/filters/keys-filter.ts";
import type { Model } from "../../src/core/records/model.ts";
import { columnsOf, oppositeOf, relationsOf } from "../../src/core/records/model.ts";
import { formatRecordKey } from "../../src/core/records/record-key.ts";
import { aggregatesOf, groupKeysOf } from "../../src/core/records/aggregates.ts";
import type { GroupReading, GroupValues } from "../../src/core/records/record-groups.ts";
import type { ListReading, LoadedList, LoadedRecord } from "../../src/core/records/record-lists.ts";
import { markNativeTypes } from "../../src/compose/mark-native-types.ts";
import { delegateOf } from "../../src/adapters/prisma/prisma-client-port.ts";
import { createTableShapes } from "../../src/adapters/postgres/records/table-shape.ts";
import { createPrismaRecordReader } from "../support/prisma-record-reader.ts";
import type { Samples } from "../support/random-filters.ts";
import { randomFilters } from "../support/random-filters.ts";
import { randomReadings } from "../support/random-readings.ts";
import { generateFixture } from "../integration/models/generate-fixture.ts";
import type { ModelsFixture } from "../integration/models/models-fixture.ts";
import { createModelsFixture } from "../integration/models/models-fixture.ts";

/** Each run has seeds of its own. */
const RUNS = 100;
/** Runs at the same time: a run mostly waits for the database. */
const LANES = 4;
const LIMIT = 1000;
const NOTHING = { records: [], total: 0 };

/** Each has rows that a wrong translation could miss: nulls, empty texts and lists, wildcards, extremes. */
const WORLDS: readonly {
  readonly file: string;
  readonly models: readonly string[];
  readonly before?: string;
  readonly rows: readonly string[];
  readonly samples: Samples;
}[] = [
  {
    file: "other-models.prisma",
    models: ["Item", "Seat", "Person", "Ticket", "Fish"],
    rows: [
      `INSERT INTO "kept item" (id, "item title", price, weight, is_open, picture, extra, settings, "seenAt", moods, words, numbers, parent, "changedAt") VALUES
        (-9223372036854775808, '', NULL, NULL, false, NULL, NULL, 'null', NULL, NULL, NULL, NULL, NULL, '2026-01-01'),
        (1, 'a', 1, 'NaN', true, '\\x00', 'null', '{}', 'infinity', '{}', '{}', '{}', NULL, '0001-01-01'),
        (2, 'A_%\\', -1.5, '-Infinity', false, '\\x0001ff', '"a%_x"', '[]', '-infinity', '{GAY}', '{a}', '{1}', 1, '2026-01-01'),
        (3, 'É', 0, 0.1, true, '\\x', '{"a": [1, "x", {"b": 1}]}', '{"a": "Ax"}', '2026-01-31T12:00:00.123', '{"very grim",GAY}', '{"",a,b}', '{1,1,2}', 1, '9999-12-31'),
        (4, 'xa', 12345678901234.5678, 1e300, false, NULL, '{"a": null}', '{"a": {"1": "x"}}', '2026-01-01', '{"very grim"}', '{b}', '{9223372036854775807}', 3, '2026-01-02'),
        (9223372036854775807, 'e%', -12345678901234.5678, -1e300, true, NULL, '[1, "x"]', '"x"', NULL, '{}', '{NULL}', '{}', 4, '2026-01-03')`,
      `INSERT INTO _friends VALUES (1, 2), (2, 1), (3, 3), (3, 1), (4, 2)`,
      `INSERT INTO "Seat" VALUES (1, 'a', 1), (1, 'b', NULL), (2, 'a', 3), (-2147483648, 'é', 4)`,
      `INSERT INTO "Person" (code, "e-mail", born, mood, "itemId", "seatRow", "seatLetter") VALUES
        ('00000000-0000-0000-0000-000000000000', 'a', NULL, NULL, 1, 1, 'a'), ('00000000-0000-0000-0000-0000000000aa', '', '2026-01-31', 'very grim', 3, 1, NULL),
        ('ffffffff-ffff-ffff-ffff-ffffffffffff', 'x', '0001-01-01', 'GAY', NULL, 2, 'a'), ('00000000-0000-0000-0000-0000000000ab', 'A', '2026-01-01', NULL, 4, NULL, NULL)`,
      `INSERT INTO "Ticket" (code, token, "order", secret, number, "soldAt", mood, holder) VALUES
        ('x', '', '', '', -2147483648, '2026-01-01', 'GAY', NULL), ('a', 'A', 'x', 'é', 2147483647, '2026-01-31T12:00:00.123', 'very grim', '')`,
      `INSERT INTO "Fish" VALUES ('2026-01-31T12:00:00.123'), ('0001-01-01'), ('9999-12-31T23:59:59.999')`,
    ],
    samples: {
      String: ["", "a", "A", "a_%\\", "x", "É", "B"],
      Int: [1, 2, -2147483648, 2147483647],
      BigInt: [1, "2", "-9223372036854775808", "9223372036854775807"],
      Float: [0, 0.1, 1e300, -1e300, Number.MAX_VALUE, -Number.MAX_VALUE],
      Decimal: ["1", "1.0", "-1.5000", "12345678901234.5678"],
      Boolean: [true, false],
      DateTime: ["2026-01-31T12:00:00.123Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"],
      Json: [null, {}, [], "x", 1, { a: [1, "x", { b: 1 }] }],
      Bytes: ["", "AA==", "AAH/"],
      code: ["00000000-0000-0000-0000-000000000000", "FFFFFFFF-ffff-ffff-ffff-ffffffffffff"],
    },
  },
  {
    file: "native-models.prisma",
    models: ["Native", "Bell"],
    before: "CREATE EXTENSION citext; ",
    rows: [
      `INSERT INTO "Native" (id) VALUES (0)`,
      `INSERT INTO "Native" VALUES (1, 'a', 'a', 'a', 'a', '101', '10', '00000000-0000-0000-0000-000000000000', '<a/>', '10.0.0.1', 'A', 1, 1, 1, 1, 1, 0.1, 1, 1, '2026-01-31T12:00:00.123', '2026-01-31T12:00:00', '2026-01-31T12:00:00.123Z', '2026-01-31T12:00:00Z', '2026-01-31', '12:00:00.123', '12:00:00', '12:00:00.123Z', '12:00:00Z', '{"a": ["x"]}', '{"a": ["x"]}', '\\x00', true, '{a}', '{a}', '{10}', '{10.0.0.1}', '{1}', '{0.1}', '{1}', '{2026-01-31}', '{12:00:00.123}', '{2026-01-31T12:00:00.123}', '{2026-01-31T12:00:00Z}', '{"{}"}', '{"\\\\x00"}')`,
      `INSERT INTO "Native" VALUES (2, '', '', '', '', '000', '', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '', '::/0', '', -2147483648, -32768, 0, -9223372036854775808, '-Infinity', '-Infinity', -9999.99, '-92233720368547758.08', '-infinity', '-infinity', '-infinity', '-infinity', '-infinity', '00:00', '00:00', '00:00+15', '00:00+15', 'null', 'null', '', false)`,
      `INSERT INTO "Native" VALUES (3, 'A_%\\', 'A_%', '%', 'A_%', '111', '1111', '00000000-0000-0000-0000-0000000000aa', '<A/>', '10.0.0.0/8', 'a', 2147483647, 32767, 4294967295, 9223372036854775807, 'NaN', 'NaN', 9999.99, '92233720368547758.07', 'infinity', 'infinity', 'infinity', 'infinity', 'infinity', '24:00', '24:00', '23:59-15', '23:59-15', '"a%x"', '"a%x"', '\\xff', true)`,
      `INSERT INTO "Bell" VALUES ('00:00'), ('12:00:00.123')`,
    ],
    samples: {
      String: ["", "a", "A", "A_%", "x"],
      bit: ["101", "000"],
      varBit: ["10", ""],
      varBits: ["10", ""],
      uuid: ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
      inet: ["10.0.0.1", "10.0.0.0/8"],
      inets: ["10.0.0.1", "10.0.0.0/8"],
      Int: [1, -2147483648, 2147483647],
      smallInt: [1, -32768, 32767],
      smallInts: [1, -32768],
      oid: [0, 1, 2147483647],
      BigInt: [1, "-9223372036854775808", "9223372036854775807"],
      Float: [0.1, 1, -Number.MAX_VALUE, Number.MAX_VALUE],
      real: [0.1, 1],
      reals: [0.1, 1],
      Decimal: ["1", "1.00", "-9999.99"],
      DateTime: ["2026-01-31T12:00:00.123Z", "2026-01-31T00:00:00.000Z", "0001-01-01T00:00:00.000Z"],
      Boolean: [true, false],
      Json: [null, {}, "a%x", { a: ["x"] }],
      Bytes: ["", "AA=="],
      // Prisma sends lists of bytes in its own form and finds none, so no row has these values.
      bytesList: ["AAEC", "/w=="],
    },
  },
];

describe.each(WORLDS)("filters on $file", ({ file, models, before = "", rows, samples }) => {
  let generated: Awaited<ReturnType<typeof generateFixture>>;
  let api: ModelsFixture;

  beforeAll(async () => {
    generated = await generateFixture(join(import.meta.dirname, "../integration/models", file));
    api = await createModelsFixture({
      generated: { ...generated, sql: `${before}${generated.sql}` },
      modelOptions: file.startsWith("other") ? { Secret: { isExposed: false } } : {},
    });
    for (const row of rows) {
      await api.query(row);
    }
  });
  afterAll(async () => {
    await api.stop();
  });

  const filtersOf = (model: Model): fc.Arbitrary<WhereFilter> => randomFilters(api.models, model, samples);

  const readingsOf = (model: Model): fc.Arbitrary<ListReading> => randomReadings(api.models, model, samples);

  test.each(models)("select the same records of %s through SQL as through Prisma", async (name) => {
    const prisma = createPrismaRecordReader({ client: api.client, models: api.models });
    await checkInLanes(RUNS, filtersOf(api.models.get(name)), async (where) => {
      const expected = await prisma.findIds(name, where, LIMIT).catch(() => undefined);
      if (expected === undefined) {
        return; // Prisma has fewer operators for native types than the database.
      }
      expect(await api.reader.findIds(name, where, LIMIT)).toEqual(expected);
      const all = await api.reader.findIds(name, undefined, LIMIT);
      const existing = await api.reader.existingIds(name, all, where);
      expect(existing.toSorted()).toEqual(expected.toSorted());
    });
  });

  test.each(models)("that are judged always true or false of %s are so for every row", async (name) => {
    const shapes = createTableShapes({ query: (text, values) => api.query(text, values) as never });
    const marked = await markNativeTypes(api.models, shapes);
    const all = await api.reader.findIds(name, undefined, LIMIT);
    await checkInLanes(4 * RUNS, filtersOf(api.models.get(name)), async (where) => {
      const { value, isSure } = judgeFilter(marked, marked.get(name), where);
      if (value === "ASKS" || !isSure) {
        return;
      }
      const expected = value === "EMPTY" || value === "TRUE" ? all : [];
      // The database has fewer operators for a native type than for the scalar type.
      const found = await api.reader.findIds(name, where, LIMIT).catch(() => expected);
      expect(found).toEqual(expected);
    });
  });

  test.each(models)(
    "and what hangs on the records of %s are read alike by SQL and by Prisma",
    async (name) => {
      const [sql, prisma] = [api.listsOf("sql"), api.listsOf("prisma")];
      await checkInLanes(RUNS / 2, readingsOf(api.models.get(name)), async (reading) => {
        // The database has fewer operators for a native type than for the scalar type; Prisma does not ask it for no records.
        const expected = await prisma.read(name, reading).catch(() => undefined);
        const read = await sql.read(name, reading).catch(unlessOperatorIsMissing);
        const isKnown = expected !== undefined && read !== undefined;
        expect(isKnown ? withoutPlaces(read) : NOTHING).toEqual(isKnown ? withoutPlaces(expected) : NOTHING);
      });
    },
  );

  test.each(models)("%s are written to files as values are spelled", async (name) => {
    const model = api.models.get(name);
    const reading = readingOf({ models: api.models, access: accessOf({}) }, ANONYMOUS, model, {});
    const part = { terms: reading.terms, where: undefined, isBackward: false, limit: LIMIT };
    const own = reading.columns.filter(({ isLinks }) => !isLinks);
    const lists = reading.columns.flatMap(({ isLinks, relations: [field], model: far, field: key }) => {
      const page = {
        part: { ...part, terms: parseOrder({ models: api.models, scopeOf: () => undefined }, far, []) },
        hasPlaces: false,
        selection: { columns: [key], ones: [], lists: [] },
      };
      return isLinks && field !== undefined ? [{ field, name: `${field.name}()`, page }] : [];
    });
    const selection = { columns: own.map(({ field }) => field), ones: [], lists };
    const { records } = await api.listsOf("sql").read(name, { page: { part, hasPlaces: false, selection } });
    const valueOf = (
      record: LoadedRecord,
      { isLinks, relations: [list], field }: FileColumn,
    ): Json | undefined =>
      jsonOf(
        isLinks
          ? (record[`${list?.name}()`] as LoadedList).records.map((linked) => linked[field.name])
          : record[field.name],
      );
    const expected = records.map((record) => reading.columns.map((column) => valueOf(record, column)));
    const open = (format: "csv" | "jsonl"): ReturnType<typeof api.files.open> =>
      api.files.open(reading, { format, areFormulasEscaped: true }, new AbortController().signal);
    const [head, ...lines] = readCsv(await textOf(await open("csv")));
    expect(head?.map(({ text }) => text)).toEqual(reading.columns.map(({ header }) => header));
    const spellings = reading.columns.map((column) => spellingOf(api.models.enums(), column));
    expect(lines.map((line) => line.map(({ text, isQuoted }) => readCell(text, isQuoted)))).toEqual(
      expected.map((values) =>
        values.map((value, at) => written(spellings[at]?.toText, reading.columns[at], value)),
      ),
    );
    const objects = (await textOf(await open("jsonl"))).trimEnd().split("\n").filter(Boolean);
    expect(objects.map((line) => Object.values(JSON.parse(line) as object))).toEqual(
      expected.map((values) =>
        values.map((value, at) => written(spellings[at]?.toJson, reading.columns[at], value)),
      ),
    );
  });

  test.each(models)("figures and groups of %s are those that Prisma's client computes", async (name) => {
    const model = api.models.get(name);
    const read = async (reading: Partial<GroupReading>): Promise<readonly GroupValues[]> =>
      (await api.groups.read(name, { ...ALL, ...reading })).map(({ values }) => values);
    const delegate = delegateOf(api.client, name) as unknown as FigureDelegate;
    const found: Record<string, unknown> = {};
    const expected: Record<string, unknown> = {};
    for (const aggregate of aggregatesOf(model).filter(({ operation }) =>
      /^(?:min|max|sum|avg)$/.test(operation),
    )) {
      const [part, column] = [`_${aggregate.operation}`, aggregate.column?.name ?? ""];
      const [values] = await read({ aggregates: [aggregate] });
      const own = values?.[aggregate.field.name];
      const theirs = await delegate.aggregate({ [part]: { [column]: true } }).catch(() => undefined);
      found[aggregate.field.name] = comparable(own);
      expected[aggregate.field.name] = comparable(theirs === undefined ? own : theirs[part]?.[column]);
    }
    const aggregates = aggregatesOf(model).filter(({ operation }) => operation === "count");
    for (const key of groupKeysOf(model).filter(
      ({ period, column }) => period === undefined && column.nativeType !== "xml",
    )) {
      const { name: column } = key.column;
      const own = await read({ keys: [key], aggregates });
      const theirs = await delegate.groupBy({ by: [column], _count: { _all: true } }).catch(() => undefined);
      const counts = own.map((group) => `${comparable(group[key.field.name])}: ${String(group["count"])}`);
      found[key.field.name] = counts.toSorted();
      expected[key.field.name] = (
        theirs?.map((group) => `${comparable(group[column])}: ${group._count._all}`) ?? counts
      ).toSorted();
    }
    expect(found).toEqual(expected);
  });

  test.each(models)(
    "figures over the lists of %s are those of the records that a filter finds",
    async (name) => {
      const model = api.models.get(name);
      const columns = columnsOf(model).filter(({ isKey }) => isKey);
      for (const field of relationsOf(model).filter(({ isList }) => isList)) {
        const target = api.models.get(field.type);
        const opposite = oppositeOf(api.models, model, field);
        const aggregates = aggregatesOf(target).filter(({ column }) => column?.nativeType !== "xml");
        const lists = [{ field, name: "list()", figures: { where: undefined, aggregates } }];
        const part = { terms: [], where: undefined, isBackward: false, limit: LIMIT };
        const page = { part, hasPlaces: false, selection: { columns, ones: [], lists } };
        const { records } = await api.listsOf("sql").read(name, { page });
        for (const record of records) {
          const key = keysFilter(model, [formatRecordKey(model, record)]);
          const where = { [opposite?.name ?? ""]: opposite?.isList === true ? { some: key } : { is: key } };
          const [all] = await api.groups.read(field.type, { ...ALL, where, aggregates });
          const { figures = {} } = record["list()"] as LoadedList;
          expect(Object.entries(figures).map(([figure, value]) => `${figure} ${comparable(value)}`)).toEqual(
            Object.entries(all?.values ?? {}).map(([figure, value]) => `${figure} ${comparable(value)}`),
          );
        }
      }
    },
  );
});

/** On failure fast-check's report names the seed and the path of the value. */
async function checkInLanes<T>(
  numRuns: number,
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => Promise<void>,
): Promise<void> {
  const lane = (): Promise<void> =>
    fc.assert(fc.asyncProperty(arbitrary, check), { numRuns: Math.ceil(numRuns / LANES) });
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Undefined for a moment that JavaScript does not have: infinity. */
function jsonOf(value: unknown): Json | undefined {
  const isNone = [value].flat().some((item) => item instanceof Date && Number.isNaN(item.getTime()));
  return isNone ? undefined : toJsonValue(value);
}

const INFINITY: unknown = expect.stringMatching(/^-?infinity$/);

/** As the spelling says; PostgreSQL's own text where that is as good: of infinity, and of digits at the end. */
function written(
  spell: ((value: Json) => Json) | undefined,
  column: FileColumn | undefined,
  value: Json | undefined,
): unknown {
  const spelled = value === undefined ? INFINITY : (spell?.(value) ?? null);
  return isDecimal(column) && typeof spelled === "string" ? sameNumber(spelled) : spelled;
}

function isDecimal(column: FileColumn | undefined): boolean {
  return column?.field.type === "Decimal" && !column.field.isList;
}

/** `1.50` for `1.5`. */
function sameNumber(text: string): unknown {
  return expect.stringMatching(
    new RegExp(`^${text.replaceAll(".", "\\.")}${text.includes(".") ? "" : "(\\.|$)"}0*$`),
  );
}

/** All records as one group. */
const ALL: GroupReading = {
  where: undefined,
  keys: [],
  aggregates: [],
  terms: [],
  limit: LIMIT,
  timeZone: "UTC",
};

/** The part of Prisma's delegates that computes. */
interface FigureDelegate {
  aggregate(args: object): Promise<Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>>;
  groupBy(
    args: object,
  ): Promise<readonly (Readonly<Record<string, unknown>> & { readonly _count: { readonly _all: number } })[]>;
}

/** The client has averages and sums of other types; the last digits of floats depend on the order of the rows. */
function comparable(value: unknown): string {
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? "no date" : value.toISOString();
  }
  const text = String(value);
  return text === "" || Number.isNaN(Number(text)) ? text : Number(text).toPrecision(12);
}

function unlessOperatorIsMissing(error: { readonly code?: unknown }): undefined {
  if (error.code !== "42883") {
    throw error;
  }
}

/** The list without its places, which Prisma knows only to the millisecond. */
function withoutPlaces({ records, total }: LoadedList): unknown {
  const strip = (record: LoadedRecord): unknown =>
    Object.fromEntries(
      Object.entries(record).map(([name, value]) => {
        if (name.includes("(")) {
          return [name, withoutPlaces(value as LoadedList)];
        }
        const isRelated = typeof value === "object" && value !== null && value.constructor === Object;
        return [name, isRelated ? strip(value as LoadedRecord) : value];
      }),
    );
  return { total, records: records.map(strip) };
}

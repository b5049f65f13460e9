import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptying } from "../../support/empty-tables.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import { exportText, FORMATS, importAll } from "./files-of.ts";
import type { Answer } from "./models-fixture.ts";

interface NativeValues {
  readonly columns: readonly string[];
  /** Records with values for every column. */
  readonly rounds: readonly Readonly<Record<string, unknown>>[];
  /** Values by column, as texts that the database reads. */
  readonly neighbours: Readonly<Record<string, readonly string[]>>;
  create(id: number, data: object): Promise<Answer> | undefined;
}

const RECORDS = 30;
/** Moments that the database has, and the API does not. */
const FAR_MOMENTS = ["infinity", "-infinity", "10000-01-01T00:00:00.5Z", "0044-03-15T12:00:00Z BC"];

/** A text of characters that have a meaning in a file. */
function anyOddText(maxLength: number): fc.Arbitrary<string> {
  const unit = fc.constantFrom(...Array.from("=+-@'\"\r\n\t,;| []{}\\\uFEFF1e"));
  return fc.string({ unit, maxLength });
}

/** Whatever PostgreSQL takes and Unicode has, and what has a meaning in a file. */
const anyText = fc
  .oneof(fc.string({ unit: "binary", maxLength: 12 }), anyOddText(6))
  .filter((text) => text.isWellFormed() && !/[\0\uFDD0-\uFDD2]/.test(text));
const anyJson = fc.jsonValue({ maxDepth: 2, stringUnit: anyText as never });
const orNull = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { nil: null });
const anyMoment = fc
  .tuple(
    fc.date({ min: new Date("0001-01-01Z"), max: new Date("9999-12-31Z"), noInvalidDate: true }),
    fc.nat(999),
  )
  .map(([date, micros]) => date.toISOString().replace("Z", `${String(micros).padStart(3, "0")}Z`));
const anyInstant = orNull(fc.oneof({ weight: 4, arbitrary: anyMoment }, fc.constantFrom(...FAR_MOMENTS)));

const ANY = {
  text: orNull(anyText),
  citext: orNull(anyText),
  double: orNull(fc.double().map((number) => (Number.isFinite(number) ? number : String(number)))),
  decimal: orNull(
    fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: -999_999, max: 999_999 }).map((cents) => cents / 100) },
      fc.constant("NaN"),
    ),
  ),
  bigInt: orNull(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
  jsonB: orNull(anyJson),
  bytes: orNull(fc.uint8Array({ maxLength: 9 }).map((bytes) => `\\x${Buffer.from(bytes).toString("hex")}`)),
  timestamp6: anyInstant,
  timestamptz6: anyInstant,
  date: anyInstant,
  time6: orNull(anyMoment.map((moment) => moment.slice(11, -1))),
  boolean: orNull(fc.boolean()),
  reals: fc.array(fc.constantFrom(0.5, -3, "NaN", "-Infinity"), { maxLength: 3 }),
  timestamps: fc.array(fc.oneof(anyMoment, fc.constantFrom(...FAR_MOMENTS)), { maxLength: 3 }),
  varBits: fc.array(fc.string({ unit: fc.constantFrom("0", "1"), maxLength: 4 }), { maxLength: 3 }),
  varChars: fc.array(anyOddText(3), { maxLength: 3 }),
};

/** A column's type, without its length. */
export async function typeOf(api: BulkFixture, column: string): Promise<string> {
  const [row] = await api.query(
    `SELECT format_type(atttypid, -1) AS type FROM pg_attribute WHERE attrelid = '"Native"'::regclass AND attname = $1`,
    [column],
  );
  return row.type;
}

/** Tests that values of every native type come back from a file as they were. */
export function describeNativeFiles(
  api: () => BulkFixture,
  { columns: known, rounds, neighbours, create }: NativeValues,
): void {
  describe.each(FORMATS)("what a file of %s holds comes back without a change", (format) => {
    const isList = (name: string): boolean => Array.isArray(rounds[0]?.[name]);
    const columns = [...new Set([...known, ...Object.keys(neighbours)])];

    async function rows(): Promise<Answer[]> {
      // A list that was never set is an empty one, as everywhere.
      const texts = columns.map((name) =>
        isList(name) ? `coalesce("${name}"::text, '{}')` : `"${name}"::text`,
      );
      return api().query(`SELECT id, ARRAY[${texts.join(", ")}] AS texts FROM "Native" ORDER BY id`);
    }

    async function throughFile(): Promise<void> {
      const before = await rows();
      const file = await exportText(api().powercrud, "Native", format);
      await api().query(emptying(`"Native"`));
      await importAll(api().powercrud, { model: "Native", operation: "CREATE", format }, file, before.length);
      expect(await rows()).toEqual(before);
      // Nor does a file change the records that are there.
      await importAll(api().powercrud, { model: "Native", operation: "UPSERT", format }, file, before.length);
      expect(await rows()).toEqual(before);
    }

    test("values of every type at their edges, nulls and empty texts", async () => {
      await api().query(`INSERT INTO "Native" (id) SELECT generate_series(1, ${RECORDS})`);
      for (const [column, values] of Object.entries(neighbours)) {
        const given = [...values, null];
        const texts = Array.from({ length: RECORDS }, (_, at) => given[(at * 7) % given.length] ?? null);
        await api().query(
          `UPDATE "Native" SET "${column}" = given.value::${await typeOf(api(), column)}
         FROM unnest($1::text[]) WITH ORDINALITY AS given (value, at) WHERE id = given.at`,
          [texts],
        );
      }
      for (const [at, values] of rounds.entries()) {
        const answer = await create(RECORDS + 1 + at, values);
        expect(answer).not.toHaveProperty("createNative.message");
      }
      await throughFile();
    });

    test("values of any kind", async () => {
      expect.hasAssertions();
      const rowOf = fc.record(ANY);
      await fc.assert(
        fc.asyncProperty(fc.array(rowOf, { minLength: 20, maxLength: 40 }), async (given) => {
          await api().query(emptying(`"Native"`));
          await api().query(
            `INSERT INTO "Native" SELECT (jsonb_populate_record(NULL::"Native", given || jsonb_build_object('id', at))).* 
           FROM unnest($1::jsonb[]) WITH ORDINALITY AS given (given, at)`,
            [given.map((row) => JSON.stringify(row))],
          );
          await throughFile();
        }),
        // Each run is a database's work of some 0.3 s, too long to look for the smallest file.
        { numRuns: 3, endOnFailure: true },
      );
    });
  });
}

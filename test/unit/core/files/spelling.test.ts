import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvLine, escapeFormula, readCell, unescapeFormula } from "../../../../src/core/files/csv-text.ts";
import type { FileColumn } from "../../../../src/core/files/file-column.ts";
import { columnsOfPaths } from "../../../../src/core/files/file-column.ts";
import type { ReadValue, SpellingOptions } from "../../../../src/core/files/spelling.ts";
import { spellingOf } from "../../../../src/core/files/spelling.ts";
import { isoMoment } from "../../../../src/kernel/date-time-text.ts";
import type { Json } from "../../../../src/kernel/json.ts";
import { isStorableText } from "../../../../src/kernel/json.ts";
import { SHEET, SHEETS } from "./file-models.ts";

function column(path: string): FileColumn {
  const parsed = columnsOfPaths(SHEETS, SHEET, [path], () => true);
  if ("problems" in parsed || parsed.value[0] === undefined) {
    throw new Error(`no column ${path}`);
  }
  return parsed.value[0];
}

const spelling = (path: string, options?: SpellingOptions): ReturnType<typeof spellingOf> =>
  spellingOf(SHEETS.enums(), column(path), options);
const read = (path: string, text: string | null, options?: SpellingOptions): Json => {
  const result = spelling(path, options).fromText(text);
  return "value" in result ? result.value : `problem: ${result.problem}`;
};

const text = fc.string({ unit: "binary" }).filter(isStorableText);
const moment = fc
  .date({
    min: new Date("0001-01-01T00:00:00Z"),
    max: new Date("9999-12-31T23:59:59.999Z"),
    noInvalidDate: true,
  })
  .map((date) => date.toISOString());
const float = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((each) => (Object.is(each, -0) ? 0 : each));
const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(99))
  .map(([units, cents]) => `${units}.${String(cents).padStart(2, "0")}`);
const bytes = fc.uint8Array().map((each) => Buffer.from(each).toString("base64"));
const json: fc.Arbitrary<Json> = fc.json().map((each) => JSON.parse(each.replaceAll("-0", "0")) as Json);
const int = fc.integer();
const bigInt = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const colour = fc.constantFrom("RED", "GREEN");

/** The values of each column, in the API's form. */
const VALUES: Readonly<Record<string, fc.Arbitrary<Json>>> = {
  id: int,
  text,
  uuid: fc.uuid(),
  int,
  bigInt,
  decimal,
  float,
  flag: fc.boolean(),
  moment,
  local: moment,
  day: moment.map((each) => `${each.slice(0, 10)}T00:00:00.000Z`),
  time: moment.map((each) => `1970-01-01T${each.slice(11)}`),
  json: json.filter((each) => each !== null),
  bytes,
  colour,
  texts: fc.array(text),
  ints: fc.array(int),
  bigInts: fc.array(bigInt),
  decimals: fc.array(decimal),
  floats: fc.array(float),
  flags: fc.array(fc.boolean()),
  moments: fc.array(moment),
  jsons: fc.array(json),
  bytesList: fc.array(bytes),
  colours: fc.array(colour),
  country: text.filter((each) => each !== ""),
  "country.name": text,
  labels: fc.array(int),
  "labels.name": fc.array(text),
};

/** What was read; of a day or a time of day, the whole moment. */
function whole(path: string, result: ReadValue): Json {
  const value = "value" in result ? result.value : `problem: ${result.problem}`;
  return (path === "day" || path === "time") && typeof value === "string" ? isoMoment(value) : value;
}

describe("the spelling of values", () => {
  it.each(Object.keys(VALUES))("of %s reads back what was written, as text and as JSON", (path) => {
    const { toText, fromText, toJson, fromJson } = spelling(path);
    const { field, isLinks } = column(path);
    const isList = field.isList || isLinks;
    fc.assert(
      fc.property(fc.option(VALUES[path] ?? fc.constant(null), { freq: 20 }), (value) => {
        fc.pre(path !== "id" || value !== null);
        const expected = value ?? (isList ? [] : null);
        expect(whole(path, fromText(toText(value)))).toEqual(expected);
        const line = JSON.stringify(toJson(value));
        expect(whole(path, fromJson(JSON.parse(line) as Json))).toEqual(expected);
      }),
    );
  });

  it("takes what other programs write", () => {
    expect(read("int", " +12.0 ")).toBe(12);
    expect(read("float", ".5")).toBe(0.5);
    expect(read("float", "1,5", { hasDecimalComma: true })).toBe(1.5);
    expect(read("decimal", "-,25", { hasDecimalComma: true })).toBe("-0.25");
    expect(read("flag", "Yes")).toBe(true);
    expect(read("flag", "0")).toBe(false);
    expect(read("colour", "red")).toBe("RED");
    expect(read("moment", "2026-01-31 12:00:00.123+02")).toBe("2026-01-31T12:00:00.123+02:00");
    expect(read("moment", "2026-01-31 12:00", { timeOffset: "+02:00" })).toBe("2026-01-31T12:00+02:00");
    expect(read("day", "2026-01-31", { timeOffset: "Z" })).toBe("2026-01-31");
    expect(read("texts", "a; b")).toEqual(["a", "b"]);
    expect(read("ints", "1;2")).toEqual([1, 2]);
    expect(read("labels.name", '["a;b"]')).toEqual(["a;b"]);
  });

  it("tells null from the empty text, and an empty list from both", () => {
    expect(read("text", null)).toBeNull();
    expect(read("text", "")).toBe("");
    expect(read("int", "")).toBeNull();
    expect(read("texts", null)).toEqual([]);
    expect(read("id", null)).toBe("problem: cannot be null.");
  });

  it("says what is wrong with a text in the words of the mutations", () => {
    expect(read("int", "twelve")).toBe(
      'problem: "twelve" is not a whole number between -2147483648 and 2147483647.',
    );
    expect(read("int", "1.5")).toContain("is not a whole number");
    expect(read("float", "1,5")).toContain('"1,5" is not a number');
    expect(read("float", "NaN")).toContain("is not a number");
    expect(read("flag", "maybe")).toContain("is not true or false");
    expect(read("colour", "blue")).toContain("is not one of RED, GREEN");
    expect(read("moment", "2026-01-31 12:00")).toContain("with its offset");
    expect(read("json", "{")).toBe('problem: "{" is not JSON.');
    expect(read("ints", "[1")).toBe('problem: "[1" is not JSON.');
    expect(read("ints", "1;x")).toContain('"x" is not a whole number');
  });
});

describe("the cells of a CSV file", () => {
  it("read back any text, with formulas escaped", () => {
    fc.assert(
      fc.property(
        fc.oneof(text, fc.string({ unit: fc.constantFrom("'", "=", "-", "+", "@", "1", "\t", ".") })),
        (each) => {
          const escaped = escapeFormula(each);
          expect(readCell(escaped, true)).toBe(each);
          expect(unescapeFormula(escaped)).toBe(each);
          expect(/^[=@\t\r]/.test(escaped)).toBe(false);
        },
      ),
    );
  });

  it("escape formulas, not numbers", () => {
    expect(["=1+1", "-1+2", "+cmd", "@a", "\ta", "\ra", "'=1", "'-1"].map(escapeFormula)).toEqual([
      "'=1+1",
      "'-1+2",
      "'+cmd",
      "'@a",
      "'\ta",
      "'\ra",
      "''=1",
      "''-1",
    ]);
    expect(["-1", "+33612345678", "-1.5e-7", "a=b", "'a"].map(escapeFormula)).toEqual([
      "-1",
      "+33612345678",
      "-1.5e-7",
      "a=b",
      "'a",
    ]);
  });

  it("say by quotes what is empty and what is null, unless told otherwise", () => {
    expect([readCell("", false), readCell("", true)]).toEqual([null, ""]);
    expect([readCell("", false, { empty: "TEXT" }), readCell("", true, { empty: "NULL" })]).toEqual([
      "",
      null,
    ]);
    expect(readCell("'=1", false, { areFormulasEscaped: false })).toBe("'=1");
    expect(csvLine(["a", null, "", 'b "c",\n', "\uFEFFd"])).toBe('a,,"","b ""c"",\n","\uFEFFd"\r\n');
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columnsOfPaths } from "../../../../src/core/files/file-column.ts";
import { spellingOf } from "../../../../src/core/files/spelling.ts";
import { valueReader } from "../../../../src/core/imports/cell-texts.ts";
import type { ImportForm } from "../../../../src/core/imports/import-form.ts";
import { outliersOf } from "../../../../src/core/imports/outliers.ts";
import { toColumnText } from "../../../../src/core/records/column-text.ts";
import { SHEET, SHEETS } from "../files/file-models.ts";

/** What a cell of CSV and the same value in JSON come to, by two ways: the second has no short cuts. */
function read(path: string, cell: string, hasDecimalComma: boolean): readonly [text: unknown, long: unknown] {
  const parsed = columnsOfPaths(SHEETS, SHEET, [path], () => true);
  const column = "value" in parsed ? parsed.value[0] : undefined;
  if (column === undefined) {
    throw new Error(`no column ${path}`);
  }
  const spelling = spellingOf(SHEETS.enums(), column, { hasDecimalComma });
  const form = { model: "Sheet", operation: "CREATE", format: "CSV", hasDecimalComma } as ImportForm;
  const text = valueReader(SHEET, SHEETS.enums(), column.field, { form, header: path, spelling })(cell);
  if (outliersOf(column.field)?.isOne(cell) === true) {
    return [text, cell]; // The API has no form for it, so it is taken as it is.
  }
  const value = spelling.fromText(cell);
  return [
    text !== null && typeof text === "object" ? "problem" : text,
    "value" in value ? toColumnText(column.field, value.value) : "problem",
  ];
}

const digits = fc.stringMatching(/^[+-]?[0-9]{0,20}(?:[.,][0-9]{0,8})?(?:e-?[0-9]{1,2})?$/);
const cells = fc.oneof(
  digits,
  fc.integer().map(String),
  fc.double().map(String),
  fc.constantFrom("", " 1", "-0", "0", "00", "0.0", "-0.5", "1.10", "2147483648", "-2147483649", "999999999"),
  fc.constantFrom(
    "9223372036854775807",
    "9223372036854775808",
    "0.0000001",
    "0.000001",
    "true",
    "TRUE",
    "no",
  ),
  fc.string({ unit: "binary" }),
);

describe("a cell that needs no reading", () => {
  it.each(["text", "int", "bigInt", "decimal", "float", "flag", "moment", "day", "colour", "json", "texts"])(
    "gives the same text as by the long way: %s",
    (path) => {
      fc.assert(
        fc.property(cells, fc.boolean(), (cell, hasDecimalComma) => {
          const [text, long] = read(path, cell, hasDecimalComma);
          expect(text).toEqual(long);
        }),
        { numRuns: 500 },
      );
    },
  );
});

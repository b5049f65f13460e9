import { describe, expect, it } from "vitest";
import type { MayRead } from "../../../../src/core/files/file-column.ts";
import { allColumns, columnsOfPaths, knownHeaders } from "../../../../src/core/files/file-column.ts";
import { matchHeaders } from "../../../../src/core/files/match-headers.ts";
import { SHEET, SHEETS } from "./file-models.ts";

const everything: MayRead = () => true;
const noCountries: MayRead = (_model, field) => field.name !== "country" && field.name !== "moment";

function messages(parsed: ReturnType<typeof columnsOfPaths> | ReturnType<typeof matchHeaders>): string[] {
  return "problems" in parsed ? parsed.problems.map(({ code, message }) => `${code} ${message}`) : [];
}

describe("the columns of a file", () => {
  it("are all that may be read, and the ids of linked records", () => {
    const headers = allColumns(SHEETS, SHEET, noCountries).map(({ header }) => header);
    expect(headers).toEqual(expect.arrayContaining(["id", "text", "colours", "countryCode", "labels"]));
    expect(headers).not.toContain("secret");
    expect(headers).not.toContain("moment");
    expect(headers).not.toContain("notes");
  });

  it("are named by paths", () => {
    const paths = ["id", "text", "country", "country.id", "country.name", "labels", "labels.name"];
    const parsed = columnsOfPaths(SHEETS, SHEET, paths, everything);
    expect(
      "value" in parsed &&
        parsed.value.map((column) => [column.header, column.field.name, column.isId, column.isLinks]),
    ).toEqual([
      ["id", "id", true, false],
      ["text", "text", false, false],
      ["country", "code", true, false],
      ["country.id", "code", true, false],
      ["country.name", "name", false, false],
      ["labels", "id", true, true],
      ["labels.name", "name", false, true],
    ]);
  });

  it("say what is wrong with a path", () => {
    const fault = (path: string, mayRead = everything): string =>
      messages(columnsOfPaths(SHEETS, SHEET, [path], mayRead)).join();
    expect(fault("txt")).toBe('VALIDATION_FAILED fields: Sheet has no field "txt". Did you mean text?');
    expect(fault("country.nam")).toContain('Country has no field "nam" in "country.nam". Did you mean name?');
    expect(fault("text.length")).toContain("Sheet.text has no fields of its own");
    expect(fault("notes")).toContain("a list of records that have a file of their own");
    expect(fault("labels.sheets")).toContain("behind a list");
    expect(fault("country.ruler")).toContain("Name a field of it, such as country.ruler.left");
    // A hidden field is as unknown as one that is not there.
    expect(fault("secret")).toContain('has no field "secret"');
    expect(fault("moment", noCountries)).toBe("FORBIDDEN You may not read Sheet.moment.");
    expect(fault("country.name", noCountries)).toBe("FORBIDDEN You may not read Sheet.country.");
    expect(messages(columnsOfPaths(SHEETS, SHEET, ["text", "text"], everything))).toEqual([
      'VALIDATION_FAILED fields: "text" is named twice.',
    ]);
  });
});

describe("the headers of a file", () => {
  const match = (headers: string[], mapping: Record<string, string> = {}): ReturnType<typeof matchHeaders> =>
    matchHeaders(SHEETS, SHEET, headers, { mapping, mayRead: everything });
  const paths = (headers: string[], mapping: Record<string, string> = {}): unknown => {
    const matched = match(headers, mapping);
    return "value" in matched ? matched.value.map((column) => column?.header) : matched.problems;
  };

  it("are known in any case and style", () => {
    expect(paths([" Text ", "BIG_INT", "country code", "Labels.Name", "country.name"])).toEqual([
      "text",
      "bigInt",
      "countryCode",
      "labels.name",
      "country.name",
    ]);
    expect(paths(["label's"])).toEqual(["labels"]);
    expect(knownHeaders(SHEETS, SHEET)).toEqual(
      expect.arrayContaining(["country", "country.code", "country.id", "labels.name", "countryCode"]),
    );
    expect(knownHeaders(SHEETS, SHEET)).not.toContain("country.name");
  });

  it("are renamed and left out by the mapping", () => {
    expect(paths(["Titel", "x"], { Titel: "text", x: "" })).toEqual(["text", undefined]);
  });

  it("say what is wrong with them, all at once", () => {
    expect(messages(match(["txt", "", "text", "Text"], { y: "text" }))).toEqual([
      'VALIDATION_FAILED mapping: the file has no header "y".',
      expect.stringContaining('The header "txt" is no column of Sheet. Did you mean text?'),
      expect.stringContaining('The header "" is no column of Sheet. Known are id, text'),
      'VALIDATION_FAILED The headers "text" and "Text" both mean text.',
    ]);
    expect(messages(match(Array.from({ length: 100_000 }, (_, at) => `${at}`)))).toHaveLength(10);
    expect(messages(match(["a"], { a: "nothing" })).join()).toContain(
      'mapping: Sheet has no field "nothing"',
    );
  });
});

import type { Model, ModelRegistry, ScalarField } from "../../../../src/core/records/model.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import { enumeration, modelOf, relation, scalar } from "../../../support/model-fixture.ts";

const key = { isKey: true } as const;
const maybe = { isNullable: true } as const;
const list = { isList: true } as const;

/** A column of each type that a cell can hold. */
const COLUMNS: readonly ScalarField[] = [
  scalar("id", "Int", key),
  scalar("text", "String", maybe),
  scalar("uuid", "String", { ...maybe, nativeType: "uuid" }),
  scalar("int", "Int", maybe),
  scalar("bigInt", "BigInt", maybe),
  scalar("decimal", "Decimal", maybe),
  scalar("float", "Float", maybe),
  scalar("flag", "Boolean", maybe),
  scalar("moment", "DateTime", { ...maybe, nativeType: "timestamp(3) with time zone" }),
  scalar("local", "DateTime", { ...maybe, nativeType: "timestamp(3) without time zone" }),
  scalar("day", "DateTime", { ...maybe, nativeType: "date" }),
  scalar("time", "DateTime", { ...maybe, nativeType: "time(3) without time zone" }),
  scalar("json", "Json", maybe),
  scalar("bytes", "Bytes", maybe),
  scalar("texts", "String", list),
  scalar("ints", "Int", list),
  scalar("bigInts", "BigInt", list),
  scalar("decimals", "Decimal", list),
  scalar("floats", "Float", list),
  scalar("flags", "Boolean", list),
  scalar("moments", "DateTime", { ...list, nativeType: "timestamp(3) with time zone[]" }),
  scalar("jsons", "Json", list),
  scalar("bytesList", "Bytes", list),
];

export const SHEET: Model = {
  ...modelOf("Sheet", [
    ...COLUMNS,
    enumeration("colour", "Colour", maybe),
    enumeration("colours", "Colour", list),
    scalar("secret", "String", { switches: { isExposed: false } }),
    scalar("countryCode", "String", { column: "country_code", ...maybe }),
    relation("country", "Country", { relationName: "CountryToSheet", foreignKey: ["countryCode"], ...maybe }),
    relation("labels", "Label", { ...list, relationName: "LabelToSheet" }),
    relation("notes", "Note", { ...list, relationName: "NoteToSheet" }),
  ]),
};

const COUNTRY: Model = {
  ...modelOf("Country", [
    scalar("code", "String", key),
    scalar("name", "String"),
    scalar("rulerId", "Int", maybe),
    relation("ruler", "Pair", { relationName: "CountryToPair", foreignKey: ["rulerId"], ...maybe }),
    relation("sheets", "Sheet", { ...list, relationName: "CountryToSheet" }),
  ]),
};

const named = scalar("name", "String", { isUnique: true });
const LABEL: Model = {
  ...modelOf("Label", [
    scalar("id", "Int", key),
    named,
    relation("sheets", "Sheet", { ...list, relationName: "LabelToSheet" }),
  ]),
  uniques: [{ name: "name", fields: [named] }],
};

const NOTE: Model = modelOf("Note", [
  scalar("id", "Int", key),
  scalar("sheetId", "Int"),
  relation("sheet", "Sheet", { relationName: "NoteToSheet", foreignKey: ["sheetId"] }),
]);

/** Its records have ids of two parts. */
const PAIR: Model = modelOf("Pair", [scalar("left", "Int", key), scalar("right", "Int", key)]);

export const SHEETS: ModelRegistry = createModelRegistry(
  [SHEET, COUNTRY, LABEL, NOTE, PAIR],
  [{ name: "Colour", values: ["RED", "GREEN"] }],
);

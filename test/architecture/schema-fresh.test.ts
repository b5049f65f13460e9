import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import type { GraphQLSchema } from "graphql";
import { buildSchema, isEnumType } from "graphql";
import { expect, test } from "vitest";

import demoConfig from "../../powercrud.config.ts";
import { printPossibleTypes, printPowerCrudSchema } from "../../src/compose/print-schema.ts";

/** The types and values of enums without a description, but for values of the demo's own enums. */
function undescribed(schema: GraphQLSchema): readonly string[] {
  const own = new Set(["CityStatus", "Continent"]);
  return Object.values(schema.getTypeMap()).flatMap((type) => [
    ...(hasWords(type) ? [] : [type.name]),
    ...(isEnumType(type) && !own.has(type.name)
      ? type.getValues().flatMap((value) => (hasWords(value) ? [] : [`${type.name}.${value.name}`]))
      : []),
  ]);
}

const hasWords = ({ description }: { readonly description?: string | null | undefined }): boolean =>
  (description ?? "").trim() !== "";

test("every type, and every value of an enum, has a description", () => {
  const schema = buildSchema(printPowerCrudSchema(demoConfig));
  expect(undescribed(schema)).toEqual([]);
  expect(undescribed(buildSchema("enum Bare { NAKED } type Query { bare: Bare }"))).toEqual(
    expect.arrayContaining(["Bare", "Bare.NAKED", "Query"]),
  );
});

test("schema.graphql is what the code prints; if not: npx powercrud print-schema > schema.graphql", async () => {
  const stored = await readFile(resolve(import.meta.dirname, "../../schema.graphql"), "utf8");
  const printed = printPowerCrudSchema(demoConfig);
  expect(printed).toContain("type Mutation");
  expect(stored.trim()).toBe(printed.trim());
});

test("possible-types.json is what the code prints; if not: npx powercrud print-schema --possible-types > possible-types.json", async () => {
  const stored = await readFile(resolve(import.meta.dirname, "../../possible-types.json"), "utf8");
  const printed = printPossibleTypes(demoConfig);
  expect(JSON.parse(printed)).toMatchObject({ UpdateCityResult: expect.arrayContaining(["StaleCityError"]) });
  expect(stored.trim()).toBe(printed.trim());
});

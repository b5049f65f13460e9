import { describe, expect, it } from "vitest";
import { lostAnnotations } from "../../../src/generator/lost-annotations.ts";

const A = "@powercrud(isExposed: false)";

describe("annotations that Prisma drops", () => {
  it.each([
    `/// ${A}\nmodel User {\n  id Int @id\n}`,
    `/// People.\n/// ${A}\n// and\n\nmodel User{\n}`,
    `model User {\n  /// ${A}\n\n  password String @db.VarChar(60)\n}`,
    `model User {\n  password String @default("//") /// The hash. ${A}\n}`,
    `model User {\n  posts Post[] /// ${A}\n}`,
    `view Top {\n  type String? /// ${A}\n}`,
    `datasource db {\n  url = "https://x/@powercrud(isExposed: false)"\n}`,
    "// Served by @acme/powercrud.",
  ])("are not those of %j", (text) => {
    expect(lostAnnotations(text)).toEqual([]);
  });

  it.each([
    [`model User {\n  password String // ${A}\n}`, `"// ${A}" needs three slashes: /// @powercrud(…).`],
    [`// ${A}\nmodel User {\n}`, /needs three slashes/],
    [`/* ${A} */\nmodel User {\n}`, /needs three slashes/],
    [`/*\n${A}\n*/\nmodel User {\n}`, /needs three slashes/],
    [
      `model User { /// ${A}\n  id Int @id\n}`,
      `"model User { /// ${A}" belongs over the model or the field, or behind the field.`,
    ],
    [`model User {\n  id Int @id\n  /// ${A}\n}`, /belongs over the model/],
    [`model User {\n  id Int @id\n  /// ${A}\n  @@index([id])\n}`, /belongs over the model/],
    [`model User {\n  id Int @id\n} /// ${A}`, /belongs over the model/],
    [`/// ${A}\nenum Role {\n  ADMIN\n}`, /belongs over the model/],
    [`enum Role {\n  ADMIN /// ${A}\n}`, /belongs over the model/],
    [`model User {\n}\n/// ${A}`, /belongs over the model/],
  ])("are told of %j", (text, expected) => {
    const [told = "", ...others] = lostAnnotations(text);
    expect(told).toMatch(expected);
    expect(others).toEqual([]);
  });
});

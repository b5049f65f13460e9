import { describe, expect, it } from "vitest";
import { defaultGeneratorOf, isMadeByPrisma } from "../../../../src/adapters/prisma/default-generators.ts";
import { scalar } from "../../../support/model-fixture.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-([47])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("defaults that Prisma makes", () => {
  it.each([
    ["uuid()", UUID, "4"],
    ["uuid(4)", UUID, "4"],
    ["uuid(7)", UUID, "7"],
    ["cuid()", /^(c)[0-9a-z]{24}$/, "c"],
    ["cuid(1)", /^(c)[0-9a-z]{24}$/, "c"],
    ["cuid(2)", /^([a-z])[0-9a-z]{23}$/, expect.any(String)],
    ["ulid()", /^([0-7])[0-9A-HJKMNP-TV-Z]{25}$/, "0"],
    ["nanoid()", /^([\w-])[\w-]{20}$/, expect.any(String)],
    ["nanoid(7)", /^([\w-])[\w-]{6}$/, expect.any(String)],
  ])("%s has the form of Prisma's own, and another value each time", (call, form, mark) => {
    const generate = defaultGeneratorOf(scalar("id", "String", { generator: call }));
    const values = Array.from({ length: 100 }, () => JSON.stringify(generate?.() ?? null));
    expect(new Set(values).size).toBe(100);
    for (const value of values) {
      expect(form.exec(value.slice(1, -1))?.[1]).toEqual(mark);
    }
    expect(isMadeByPrisma(call)).toBe(true);
  });

  it.each(["now()", "autoincrement()", 'dbgenerated("3")', "toString()", "snowflake()"])(
    "%s is none",
    (call) => {
      expect(isMadeByPrisma(call)).toBe(false);
      expect(defaultGeneratorOf(scalar("id", "String", { generator: call }))).toBeUndefined();
    },
  );

  it("are undefined if the schema has no default function", () => {
    expect(defaultGeneratorOf(scalar("id", "String"))).toBeUndefined();
  });
});

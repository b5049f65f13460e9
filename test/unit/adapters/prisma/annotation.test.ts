import { describe, expect, it } from "vitest";
import { readAnnotations } from "../../../../src/adapters/prisma/annotation.ts";
import { FIELD_SWITCHES } from "../../../../src/core/records/field-switches.ts";

const read = (comment: string | undefined) => readAnnotations(comment, FIELD_SWITCHES);

describe("annotations in comments of a Prisma schema", () => {
  it.each([
    ["@powercrud(isExposed: false)", { isExposed: false }, undefined],
    [
      "@powercrud(isFilterable:false,isSortable : false)",
      { isFilterable: false, isSortable: false },
      undefined,
    ],
    [
      "@powercrud(isFilterable: false,\nisSortable: false)",
      { isFilterable: false, isSortable: false },
      undefined,
    ],
    ["The hash.\n@powercrud(isExposed: false)", { isExposed: false }, "The hash."],
    [
      "@powercrud(isReadOnly: true)\nWho they are.\n\nAnd more.",
      { isReadOnly: true },
      "Who they are.\nAnd more.",
    ],
    ["The hash. @powercrud(isExposed: false)", { isExposed: false }, "The hash."],
    [
      "@powercrud(isReadOnly: true)\n@powercrud(isSortable: false)",
      { isReadOnly: true, isSortable: false },
      undefined,
    ],
  ])("reads %j", (comment, members, documentation) => {
    expect(read(comment)).toEqual({ members, documentation, problems: [] });
  });

  it.each([
    [undefined, undefined],
    ["", undefined],
    ["Nothing for us.\n\n  As it was.", "Nothing for us.\n\n  As it was."],
    ["@HideField()", "@HideField()"],
    ['@TypeGraphQL.omit(output: true)\n@zod.string.max(3, { message: "(so)" })', undefined],
    ["Write to help@powercrud.example, or to @power.", "Write to help@powercrud.example, or to @power."],
    ["@@allow('read', true)", "@@allow('read', true)"],
  ])("leaves %j as it is", (comment, documentation = comment === "" ? undefined : comment) => {
    expect(read(comment)).toEqual({ members: {}, documentation, problems: [] });
  });

  it.each([
    [
      "@powercrud(isExposd: false)",
      `"@powercrud(isExposd: false)" has no member "isExposd" here. Did you mean "isExposed"?`,
    ],
    [
      "@powercrud(hide: true)",
      `"@powercrud(hide: true)" has no member "hide" here. Known: isExposed, isReadOnly, isFilterable, isSortable, isBulkWritable.`,
    ],
    ["@powercrud(isExposed: no)", `"isExposed" in "@powercrud(isExposed: no)" is true or false, not "no".`],
    [
      "@powercrud(isExposed)",
      `"isExposed" in "@powercrud(isExposed)" is no member with a value. Write it like @powercrud(isExposed: false).`,
    ],
    ["@powercrud(isExposed = false)", /is no member with a value/],
    ["@powercrud(isExposed: false, isExposed: true)", `"isExposed" is given twice.`],
    ["@powercrud", /^"@powercrud" names no member/],
    ["@powercrud()", /names no member/],
    ["@powercrud(isExposed: false", /names no member. Write it like/],
    [
      "@PowerCrud(isExposed: false)",
      `"@PowerCrud(isExposed: false)" is not an annotation. Did you mean @powercrud(isExposed: false)?`,
    ],
    ["@powercurd(isExposed: false)", /is not an annotation/],
    ["@power-crud(isExposed: false)", /is not an annotation/],
    ["@@powercrud(isExposed: false)", /is not an annotation/],
    ["@powercrud.hide", /is not an annotation/],
  ])("refuses %j", (comment, problem) => {
    const [told = "", ...others] = read(comment).problems;
    expect(told).toMatch(problem);
    expect(others).toEqual([]);
  });
});

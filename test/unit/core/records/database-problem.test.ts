import { describe, expect, it } from "vitest";
import type { DatabaseReport } from "../../../../src/core/records/database-problem.ts";
import { databaseProblem } from "../../../../src/core/records/database-problem.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const MODEL = modelOf("User", [
  scalar("id", "Int", { isKey: true }),
  scalar("email", "String"),
  scalar("resetToken", "String", { column: "reset_token", switches: { isExposed: false } }),
]);

const REPORTS: readonly (readonly [string, Omit<DatabaseReport, "message">])[] = [
  ["a value that is taken", { code: "23505", detail: "Key (reset_token)=(s3cret) already exists." }],
  [
    "two values that are taken",
    { code: "23505", detail: "Key (email, reset_token)=(a@b, s3cret) already exists." },
  ],
  [
    "an expression that is taken",
    { code: "23505", detail: "Key (lower(reset_token))=(s3cret) already exists." },
  ],
  ["a constraint without details", { code: "23505", constraint: "user_reset_token_key" }],
  ["no value", { code: "23502", column: "reset_token" }],
  ["a check", { code: "23514", constraint: "resettoken_length" }],
  ["an exclusion", { code: "23P01", constraint: "user_reset_token_excl" }],
  ["a reference", { code: "23503", detail: 'Key (reset_token)=(s3cret) is not present in table "token".' }],
];

describe("the problem of a hidden column", () => {
  it.each(REPORTS)("names neither the column nor its value: %s", (_what, report) => {
    const found = databaseProblem({ message: "", ...report }, MODEL);
    expect(found).toMatchObject({ code: "CONSTRAINT_VIOLATED" });
    expect(found?.field).toBeUndefined();
    expect(found?.message).not.toMatch(/reset|token|s3cret|a@b|undefined/i);
  });

  it("does not name a value that the app set, and that is too long", () => {
    const value = {
      field: "resetToken",
      nativeType: "character varying(3)",
      operator: "set",
      value: "s3cret",
    };
    const found = databaseProblem({ code: "22001", message: "" }, MODEL, [value]);
    expect(found?.field).toBeUndefined();
    expect(found?.message).toBe("A text is longer than its column allows.");
  });

  it("leaves the other columns their names", () => {
    expect(
      databaseProblem({ code: "23505", message: "", detail: "Key (email)=(a@b) already exists." }, MODEL),
    ).toMatchObject({ field: "email", message: "email must be unique: another record has a@b." });
  });
});

describe("an error that a trigger raises", () => {
  it.each(["P0001", "45000", "UE001"])("is the record's problem, in the trigger's words: %s", (code) => {
    expect(databaseProblem({ code, message: "Too far from the sea." }, MODEL)).toMatchObject({
      code: "CONSTRAINT_VIOLATED",
      message: "Too far from the sea.",
    });
  });

  it.each(["0A000", "42501", "55000", "40001"])("is not, if it may come from the database: %s", (code) => {
    expect(databaseProblem({ code, message: "" }, MODEL)).toBeUndefined();
  });
});

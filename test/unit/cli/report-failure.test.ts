import { expect, test } from "vitest";

import { reportFailure } from "../../../src/cli/program.ts";
import { AppError } from "../../../src/kernel/app-error.ts";

test("prints one line per problem, without the stack", () => {
  const error = new AppError("INVALID_CONFIG", "PORT must be a number\nHOST must be a name");
  expect(reportFailure(error, false)).toBe(
    "powercrud: PORT must be a number\npowercrud: HOST must be a name\n",
  );
});

test("marks an unexpected error as such", () => {
  expect(reportFailure(new TypeError("x is not a function"), false)).toBe(
    "powercrud: unexpected: x is not a function\n",
  );
  expect(reportFailure("thrown text", false)).toBe("powercrud: unexpected: thrown text\n");
});

test("prints stack and cause at log level debug", () => {
  const error = new AppError("START_FAILED", "no database", { cause: new Error("ECONNREFUSED") });
  expect(reportFailure(error, true)).toMatch(
    /^powercrud: no database\n[\s\S]+report-failure\.test[\s\S]+ECONNREFUSED/,
  );
});

import { GraphQLError, parse } from "graphql";
import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/kernel/app-error.ts";
import type { Logger } from "../../../src/kernel/logger.ts";
import { createErrorMask } from "../../../src/server/mask-error.ts";
import { madeRequestId } from "../../../src/server/request-id.ts";

function setUp() {
  const logged: object[] = [];
  const ignore = (): void => undefined;
  const logger: Logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (fields) => void logged.push(fields),
  };
  return { mask: createErrorMask(logger), logged };
}

const located = (originalError: Error): GraphQLError =>
  new GraphQLError(originalError.message, { originalError, path: ["city", "name"] });

describe("the error mask", () => {
  it("lets GraphQL's own errors pass", () => {
    const { mask, logged } = setUp();
    const own = new GraphQLError("Syntax Error", { extensions: { code: "GRAPHQL_PARSE_FAILED" } });
    expect(mask(own)).toBe(own);
    expect(logged).toEqual([]);
  });

  it("shows an expected error with its code and details, but never its cause", () => {
    const { mask, logged } = setUp();
    const cause = new Error("the password is 12345");
    const error = new AppError("NOT_FOUND", "There is no city 7.", {
      cause,
      details: { id: "7", code: "forged" },
    });
    const told = mask(located(error));
    expect(told).toMatchObject({ message: "There is no city 7.", path: ["city", "name"] });
    expect(told.extensions).toEqual({ code: "NOT_FOUND", id: "7" });
    expect(JSON.stringify(told)).not.toContain("12345");
    expect(told.originalError).toBeUndefined();
    expect(logged).toEqual([]);
  });

  it.each([
    ["an error", new TypeError("the password is 12345")],
    ["a fault of ours", new AppError("INTERNAL", "the password is 12345")],
    ["a text", "the password is 12345"],
    ["nothing", undefined],
  ])("masks %s, and logs it", (_what, thrown) => {
    const { mask, logged } = setUp();
    expect(mask(thrown)).toMatchObject({ message: "Unexpected error.", extensions: { code: "INTERNAL" } });
    expect(JSON.stringify(mask(thrown))).not.toContain("12345");
    expect(logged[0]).toEqual({ err: thrown, requestId: expect.stringMatching(/^[\da-f-]{36}$/) });
  });

  it("logs an error once, even if it is masked several times, and does not mask a masked error", () => {
    const { mask, logged } = setUp();
    const fault = new Error("once");
    const masked = mask(located(fault));
    mask(located(fault));
    mask(fault);
    expect(mask(masked)).toBe(masked);
    expect(logged).toHaveLength(1);
  });

  it.each([
    ["of a proxy", "edge-7/4711", "edge-7/4711"],
    [
      "of its own in the place of one that is no plain name",
      'x" err=',
      expect.stringMatching(/^[\da-f-]{36}$/),
    ],
  ])("gives answer and log line the same request id, %s", (_what, given, expected) => {
    const { mask, logged } = setUp();
    const request = { headers: new Headers({ "x-request-id": given }) };
    const { extensions } = mask(located(new Error("once")), { request, viewer: { id: "ann" } });
    expect(extensions["requestId"]).toEqual(expected);
    expect(logged).toMatchObject([{ requestId: extensions["requestId"], viewerId: "ann" }]);
    expect(madeRequestId(request)).toBe(extensions["requestId"]);
  });

  it("answers with the id of the line, where the same error fails several requests", () => {
    const { mask, logged } = setUp();
    const fault = new Error("once");
    const ids = ["one", "two"].map((id) => {
      const request = { headers: new Headers({ "x-request-id": id }) };
      return mask(located(fault), { request }).extensions["requestId"];
    });
    expect(ids).toEqual(["one", "one"]);
    expect(logged).toHaveLength(1);
  });

  it("makes no id for a request that nothing is said of", () => {
    const { mask } = setUp();
    const request = { headers: new Headers() };
    mask(new AppError("NOT_FOUND", "There is no city 7."), { request });
    expect(madeRequestId(request)).toBeUndefined();
  });

  it("gives a code to GraphQL's own errors that have none", () => {
    const { mask } = setUp();
    const syntax = ((): unknown => {
      try {
        return parse("{ ");
      } catch (error) {
        return error;
      }
    })();
    expect(mask(syntax).extensions).toEqual({ code: "GRAPHQL_PARSE_FAILED" });
    expect(mask(new GraphQLError("Variable $a is not an Int.")).extensions).toEqual({
      code: "BAD_USER_INPUT",
    });
  });

  it("does not log that a caller left", () => {
    const { mask, logged } = setUp();
    mask(new DOMException("This operation was aborted", "AbortError"));
    expect(logged).toEqual([]);
  });
});

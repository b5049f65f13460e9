import { describe, expect, it } from "vitest";
import { isConnectionError, toUnavailableError } from "../../../src/kernel/unavailable-error.ts";
import { AppError } from "../../../src/kernel/app-error.ts";

const coded = (code: string, message = "x"): Error => Object.assign(new Error(message), { code });

describe("isConnectionError", () => {
  it.each([
    coded("ECONNREFUSED"),
    coded("ECONNRESET"),
    coded("ENOTFOUND"),
    coded("57P01", "terminating connection due to administrator command"),
    coded("57P03", "the database system is starting up"),
    coded("08006"),
    coded("53300", "sorry, too many clients already"),
    coded("53100", "could not extend file: No space left on device"),
    coded("25P03", "terminating connection due to idle-in-transaction timeout"),
    coded("P1001"),
    Object.assign(coded("P2010", "Raw query failed"), {
      meta: {
        driverAdapterError: Object.assign(new Error("x"), { cause: { kind: "DatabaseNotReachable" } }),
      },
    }),
    new Error("Connection terminated unexpectedly"),
    new Error("Connection terminated due to connection timeout"),
    new Error("timeout exceeded when trying to connect"),
    new Error("Query read timeout"),
    new Error("Client has encountered a connection error and is not queryable"),
    new Error("Cannot use a pool after calling end on the pool"),
    new Error("wrapped", { cause: new Error("wrapped", { cause: coded("EPIPE") }) }),
    new AggregateError([new Error("x"), coded("ECONNREFUSED")], "all addresses failed"),
  ])("recognises %s", (error) => {
    expect(isConnectionError(error)).toBe(true);
  });

  it.each([
    coded("23505", "duplicate key"),
    coded("57014", "canceling statement due to statement timeout"),
    coded("40P01", "deadlock detected"),
    coded("P2002"),
    Object.assign(coded("P2010"), {
      meta: { driverAdapterError: { cause: { kind: "postgres", code: "42601" } } },
    }),
    coded("25P02", "current transaction is aborted"),
    new Error("something about Connection terminated"),
    "ECONNREFUSED",
    null,
    undefined,
  ])("leaves %s alone", (error) => {
    expect(isConnectionError(error)).toBe(false);
    expect(toUnavailableError(error)).toBe(error);
  });

  it("does not follow causes for ever", () => {
    const loop = new Error("loop");
    loop.cause = loop;
    expect(isConnectionError(loop)).toBe(false);
  });
});

describe("toUnavailableError", () => {
  it("keeps the cause, without showing it in the message", () => {
    const cause = coded("ECONNREFUSED", "connect ECONNREFUSED 10.0.0.7:5432");
    const error = toUnavailableError(cause);
    expect(error).toMatchObject({ code: "UNAVAILABLE", cause });
    expect(String(error)).not.toContain("10.0.0.7");
  });

  it("leaves an AppError as it is", () => {
    const error = new AppError("INTERNAL", "x", { cause: coded("ECONNRESET") });
    expect(toUnavailableError(error)).toBe(error);
  });
});

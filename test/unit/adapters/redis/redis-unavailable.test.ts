import { describe, expect, it } from "vitest";
import { AppError } from "../../../../src/kernel/app-error.ts";
import { toRedisUnavailable } from "../../../../src/adapters/redis/redis-unavailable.ts";

const withCode = (code: string): Error => Object.assign(new Error(""), { code });

describe("toRedisUnavailable", () => {
  it.each([
    withCode("ECONNREFUSED"),
    withCode("ENOTFOUND"),
    new AggregateError([withCode("ECONNREFUSED"), withCode("ECONNREFUSED")]),
    new Error("Connection is closed."),
    new Error("Stream isn't writeable and enableOfflineQueue options is false"),
    new Error("Command timed out"),
    new Error("Socket timeout. Expecting data, but didn't receive any in 3000ms."),
    new Error("Reached the max retries per request limit (which is 0). Refer to docs"),
    new Error("LOADING Redis is loading the dataset in memory"),
    new Error("READONLY You can't write against a read only replica."),
    new Error("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
    new Error("CLUSTERDOWN Hash slot not served"),
    new Error("OOM command not allowed when used memory > 'maxmemory'."),
    new Error("ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed"),
  ])("turns %j into UNAVAILABLE", (error) => {
    expect(toRedisUnavailable(error)).toMatchObject({
      name: "AppError",
      code: "UNAVAILABLE",
      message: "Redis cannot be reached.",
      cause: error,
    });
  });

  it.each([
    new Error("WRONGTYPE Operation against a key holding the wrong kind of value"),
    new Error("NOSCRIPT No matching script."),
    new Error("ERR unknown command 'LOADING'"),
    new TypeError("x is not a function"),
    new AppError("CONFLICT", "held"),
    new AppError("UNAVAILABLE", "The event bus is closed."),
    "Command timed out",
    undefined,
  ])("leaves %j alone", (error) => {
    expect(toRedisUnavailable(error)).toBe(error);
  });
});

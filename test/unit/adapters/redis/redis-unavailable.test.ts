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
  ])("turns %j into UNAVAILABLE", (error) => {
    expect(toRedisUnavailable(error)).toMatchObject({
      name: "AppError",
      code: "UNAVAILABLE",
      message: "Redis cannot be reached.",
      cause: error,
    });
  });

  it.each([
    ["LOADING Redis is loading the dataset in memory", /still loading/],
    ["READONLY You can't write against a read only replica.", /refuses writes: it is a replica/],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", /lost its master/],
    ["CLUSTERDOWN Hash slot not served", /cluster/],
    ["TRYAGAIN Multiple keys request during rehashing of slot", /cluster/],
    ["MOVED 3999 10.1.2.3:6381", /another node/],
    ["OOM command not allowed when used memory > 'maxmemory'.", /refuses writes: its memory is full/],
    ["ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed", /memory is full/],
    ["MISCONF Redis is configured to save RDB snapshots, but", /refuses writes: it cannot save/],
    ["NOREPLICAS Not enough good replicas to write. script: f1, on @user_script:1.", /too few replicas/],
    ["BUSY Redis is busy running a script.", /busy/],
    ["NOPERM this user has no permissions to run the 'eval' command", /does not permit/],
    ["ERR The user executing the script can't run this command or subcommand script: f1", /does not permit/],
    ["NOAUTH Authentication required.", /was not given/],
    ["WRONGPASS invalid username-password pair or user is disabled.", /does not accept/],
    ["ERR Unknown Redis command called from script script: f1, on @user_script:1.", /lacks a command/],
    ["ERR unknown command 'EVALSHA', with args beginning with: 'f1'", /lacks a command/],
    ["ERR max number of clients reached", /no more connections/],
  ])("says what the server means by %j, and repeats none of it", (answer, meaning) => {
    const error = new Error(answer);
    const refusal = toRedisUnavailable(error);
    expect(refusal).toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(meaning),
      cause: error,
    });
    expect(String(refusal)).not.toMatch(/script:|10\.1|f1/);
  });

  it.each([
    new Error("WRONGTYPE Operation against a key holding the wrong kind of value"),
    new Error("NOSCRIPT No matching script."),
    new Error("ERR value is not LOADING"),
    new Error("NOTBUSY No scripts in execution right now."),
    new TypeError("x is not a function"),
    new AppError("CONFLICT", "held"),
    new AppError("UNAVAILABLE", "The event bus is closed."),
    "Command timed out",
    undefined,
  ])("leaves %j alone", (error) => {
    expect(toRedisUnavailable(error)).toBe(error);
  });
});

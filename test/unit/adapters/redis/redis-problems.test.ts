import { describe, expect, it } from "vitest";
import type { RedisFacts } from "../../../../src/adapters/redis/inspect-redis.ts";
import { redisProblems } from "../../../../src/adapters/redis/inspect-redis.ts";

const GOOD: RedisFacts = {
  version: "7.0.15",
  role: "master",
  maxmemoryPolicy: "noeviction",
  maxmemory: 0,
  usedMemory: 1_000_000,
  isAppendOnly: true,
  isDatabaseMissing: false,
  refusal: null,
};
const problemsOf = (facts: Partial<RedisFacts>): readonly unknown[] =>
  redisProblems({ isReachable: true, ...GOOD, ...facts });

describe("redisProblems", () => {
  it.each(["6.2.0", "6.10.1", "7.0.15", "8.2"])("finds nothing wrong with Redis %s", (version) => {
    expect(problemsOf({ version })).toEqual([]);
  });

  it.each(["6.0.16", "5.0.0", "0"])("refuses Redis %s", (version) => {
    expect(problemsOf({ version })).toEqual([
      { severity: "error", message: `Redis ${version} is too old: 6.2 or later is needed` },
    ]);
  });

  it("warns if the server does not report its policy", () => {
    expect(problemsOf({ maxmemoryPolicy: null })).toEqual([
      {
        severity: "warning",
        message: "Redis does not tell its maxmemory-policy: make sure that it is noeviction",
      },
    ]);
  });

  it("warns of memory that is nearly used up, if there is a limit", () => {
    expect(problemsOf({ usedMemory: 89, maxmemory: 100 })).toEqual([]);
    expect(problemsOf({ usedMemory: 90, maxmemory: 100 })).toEqual([
      {
        severity: "warning",
        message:
          "Redis uses 90 % of its memory (maxmemory 100 bytes), and refuses writes where there is none left: " +
          "a larger maxmemory is better",
      },
    ]);
  });

  it("names every problem, the errors first", () => {
    const problems = redisProblems({
      isReachable: true,
      version: "6.0.1",
      role: "slave",
      maxmemoryPolicy: "volatile-lru",
      maxmemory: 100,
      usedMemory: 95,
      isAppendOnly: false,
      isDatabaseMissing: true,
      refusal: "Redis refuses writes: its memory is full.",
    });
    const severities = problems.map(({ severity }) => severity);
    expect(severities).toEqual([...Array<string>(5).fill("error"), "warning"]);
  });
});

import { describe, expect, it } from "vitest";
import type { Examination } from "../../../../src/core/health/health-check.ts";
import { runExaminations } from "../../../../src/core/health/health-check.ts";
import { AppError } from "../../../../src/kernel/app-error.ts";
import { createManualClock } from "../../../support/manual-clock.ts";

const logged: object[] = [];
const ignore = (): void => undefined;
const logger = {
  debug: ignore,
  info: ignore,
  warn: (fields: object) => void logged.push(fields),
  error: ignore,
};

const failing = (name: string, error: unknown): Examination => ({
  name,
  examine: () => Promise.reject(error),
});

describe("runExaminations", () => {
  it("gives the findings in order, each with its time", async () => {
    const clock = createManualClock();
    const slow: Examination = {
      name: "slow",
      async examine() {
        clock.advance(40);
        return { status: "WARNING", message: "It took its time.", detail: "40 ms" };
      },
    };
    const quick: Examination = { name: "quick", examine: async () => ({ status: "OK", message: "Well." }) };
    expect(await runExaminations({ clock, logger }, [slow, quick])).toEqual([
      { name: "slow", status: "WARNING", message: "It took its time.", detail: "40 ms", latencyMs: 40 },
      { name: "quick", status: "OK", message: "Well.", latencyMs: 0 },
    ]);
  });

  it("waits no longer than its patience, and aborts an examination that hangs", async () => {
    const clock = createManualClock();
    let isTold = false;
    const hanging: Examination = {
      name: "hanging",
      examine(signal) {
        signal.addEventListener("abort", () => (isTold = true));
        return new Promise(() => undefined);
      },
    };
    const run = runExaminations({ clock, logger }, [hanging], 500);
    clock.advance(499);
    expect(isTold).toBe(false);
    clock.advance(1);
    expect(await run).toEqual([
      { name: "hanging", status: "FAILED", message: "There was no answer within 500 ms.", latencyMs: 500 },
    ]);
    expect(isTold).toBe(true);
  });

  it("shows callers the message of an expected error, and the operator its cause", async () => {
    const cause = Object.assign(new Error("connect ECONNREFUSED 10.0.0.7:6379"), {
      command: { name: "auth", args: ["hush"] },
    });
    const error = new AppError("UNAVAILABLE", "Redis cannot be reached.", { cause });
    expect(await runExaminations({ clock: createManualClock(), logger }, [failing("redis", error)])).toEqual([
      {
        name: "redis",
        status: "FAILED",
        message: "Redis cannot be reached.",
        detail: "connect ECONNREFUSED 10.0.0.7:6379",
        latencyMs: 0,
      },
    ]);
  });

  it("shows callers nothing of an unexpected error, and logs it once", async () => {
    logged.length = 0;
    const errors = [new TypeError("no /etc/secret"), new AppError("INTERNAL", "powercrud.pruned has no row")];
    const checks = await runExaminations(
      { clock: createManualClock(), logger },
      errors.map((error) => failing("odd", error)),
    );
    expect(checks.map(({ message, detail }) => [message, detail])).toEqual([
      ["It could not be examined.", "no /etc/secret"],
      ["It could not be examined.", "powercrud.pruned has no row"],
    ]);
    expect(logged).toEqual(errors.map((err) => ({ err, check: "odd" })));
  });
});

import { describe, expect, it } from "vitest";
import type { ProcessRegister, RunningProcess } from "../../../src/core/processes/process-register.ts";
import { AppError } from "../../../src/kernel/app-error.ts";
import type { Logger } from "../../../src/kernel/logger.ts";
import { createAnnouncer } from "../../../src/worker/create-announcer.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const SILENCE_MS = 900;

describe("the announcer", () => {
  it("enlists the process, announces it three times per lease, and withdraws it", async () => {
    const clock = createManualClock();
    const calls: string[] = [];
    const announcer = createAnnouncer({ ...createParts(calls), clock, logger: silent(calls) });
    await announcer.start();
    clock.advance(SILENCE_MS);
    await announcer.stop();
    expect(calls).toEqual(["enlist one", ...Array.from({ length: 3 }, () => "announce one"), "withdraw one"]);
  });

  it("continues after a failed announcement, and logs an outage once", async () => {
    const clock = createManualClock();
    const calls: string[] = [];
    const parts = createParts(calls);
    let failures = 2;
    const register: ProcessRegister = {
      ...parts.register,
      announce: (process, at) =>
        failures-- > 0
          ? Promise.reject(new AppError("UNAVAILABLE", "away"))
          : parts.register.announce(process, at),
    };
    const announcer = createAnnouncer({ ...parts, register, clock, logger: silent(calls) });
    await announcer.start();
    clock.advance(SILENCE_MS);
    await announcer.stop();
    expect(calls.filter((call) => call.startsWith("announce"))).toHaveLength(1);
    expect(calls.filter((call) => call.startsWith("log"))).toHaveLength(1);
  });
});

function createParts(calls: string[]): {
  register: ProcessRegister;
  process: RunningProcess;
  silenceMs: number;
} {
  return {
    register: {
      enlist: async ({ id }) => void calls.push(`enlist ${id}`),
      announce: async ({ id }) => void calls.push(`announce ${id}`),
      withdraw: async (id) => void calls.push(`withdraw ${id}`),
      list: async () => [],
    },
    process: {
      id: "one",
      role: "work",
      backend: "postgres",
      host: "a",
      pid: 7,
      concurrency: 4,
      kinds: [],
      startedAt: new Date(0),
    },
    silenceMs: SILENCE_MS,
  };
}

/** Records warnings and errors. */
function silent(calls: string[]): Logger {
  const note = (_fields: object, message: string): void => void calls.push(`log ${message}`);
  return { debug: () => {}, info: () => {}, warn: note, error: note };
}

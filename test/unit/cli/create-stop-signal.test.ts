import { EventEmitter } from "node:events";

import { beforeEach, expect, test, vi } from "vitest";

import { createStopSignal } from "../../../src/cli/cli-context.ts";

const exit = vi.fn<(code?: number | string | null) => never>();

function signalledProcess(): EventEmitter & { exit: typeof exit; ppid: number; env: NodeJS.ProcessEnv } {
  return Object.assign(new EventEmitter(), { exit, ppid: 1, env: {} });
}

beforeEach(() => {
  exit.mockClear();
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"])("%s aborts the signal", (name) => {
  const process = signalledProcess();
  const signal = createStopSignal(process);
  expect(signal.aborted).toBe(false);
  process.emit(name);
  expect(signal.aborted).toBe(true);
  expect(exit).not.toHaveBeenCalled();
});

test("a signal soon after the first one is ignored", () => {
  const process = signalledProcess();
  createStopSignal(process, 60_000);
  process.emit("SIGINT");
  process.emit("SIGINT");
  process.emit("SIGTERM");
  expect(exit).not.toHaveBeenCalled();
});

test("a later second signal exits at once", () => {
  const process = signalledProcess();
  createStopSignal(process, -1);
  process.emit("SIGINT");
  process.emit("SIGINT");
  expect(exit).toHaveBeenCalledWith(130);
});

test("under npm, the end of the parent process aborts the signal", () => {
  vi.useFakeTimers();
  try {
    const process = signalledProcess();
    process.env["npm_command"] = "exec";
    const signal = createStopSignal(process);
    vi.advanceTimersByTime(1000);
    expect(signal.aborted).toBe(false);
    process.ppid = 2;
    vi.advanceTimersByTime(1000);
    expect(signal.aborted).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

import { describe, expect, test } from "vitest";

import { nextWithin, withDeadline } from "../../support/deadline.ts";
import { BROWSER_NAMES, findProgram } from "../../support/find-program.mjs";
import { summarize } from "../../support/summarize-run.mjs";

describe("a deadline", () => {
  test("passes on what happened in time", async () => {
    expect(await withDeadline(Promise.resolve("done"), 1000, "the deed")).toBe("done");
  });

  test("names what did not happen", async () => {
    const never = new Promise(() => undefined);
    await expect(withDeadline(never, 1, "the deed")).rejects.toThrow("the deed did not happen within 1 ms");
  });

  test("passes on the failure of what it waits for", async () => {
    await expect(withDeadline(Promise.reject(new Error("broken")), 1000, "the deed")).rejects.toThrow(
      "broken",
    );
  });

  test("takes a stream's next value, and takes its end for a failure", async () => {
    const stream = [1].values();
    const iterator = { next: () => Promise.resolve(stream.next()) };
    expect(await nextWithin(iterator, 1000, "a number")).toBe(1);
    await expect(nextWithin(iterator, 1000, "a number")).rejects.toThrow(
      "a number did not happen: the stream ended",
    );
  });
});

describe("the closing line", () => {
  const report = {
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
  };

  test("counts what passed and failed, and what was skipped where anything was", () => {
    expect(summarize(report).closingLine).toBe("3 passed, 0 failed");
    expect(summarize({ ...report, numFailedTests: 1, numPendingTests: 1, numTodoTests: 1 }).closingLine).toBe(
      "3 passed, 1 failed, 2 skipped",
    );
  });

  test("counts a file that could not be loaded as a failure, a file with failed tests only by its tests", () => {
    const broken = { status: "failed", assertionResults: [] };
    const failed = { status: "failed", assertionResults: [{ status: "failed" }] };
    const sound = { status: "passed", assertionResults: [{ status: "passed" }] };
    const { closingLine } = summarize({ ...report, numFailedTests: 1, testResults: [broken, failed, sound] });
    expect(closingLine).toBe("3 passed, 2 failed");
  });
});

describe("preparing the machine", () => {
  const script = resolve(import.meta.dirname, "../../support/prepare-machine.mjs");

  function prepareWith(path: string): { status: number | null; output: string } {
    const code = `import { prepareMachine } from ${JSON.stringify(script)}; prepareMachine();`;
    const args = ["--input-type=module", "--eval", code];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      env: { PATH: path },
      encoding: "utf8",
    });
    return { status, output: stdout + stderr };
  }

  test("finds what is there and says where", () => {
    const { status, output } = prepareWith(process.env["PATH"] ?? "");
    expect(status).toBe(0);
    expect(output).toContain(`found Redis: ${findProgram(["redis-server"])}`);
    expect(output).toContain(`found a Chromium browser: ${findProgram(BROWSER_NAMES)}`);
  });

  test("refuses with what to install where it cannot install it", () => {
    const { status, output } = prepareWith("/nowhere");
    expect(status).toBe(1);
    expect(output).toContain("sudo apt-get install redis-server chromium");
  });
});

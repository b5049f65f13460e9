import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

import { describe, expect, test } from "vitest";

import { nextWithin, withDeadline } from "../../support/deadline.ts";
import { BROWSER_NAMES, findProgram } from "../../support/find-program.mjs";
import { joinRuns, repeatedFiles, summarize } from "../../support/summarize-run.mjs";

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

  test("counts a file that could not be loaded as a failure, a file with failed tests only by its tests, and names each", () => {
    const broken = {
      name: "/root/test/a.test.ts",
      status: "failed",
      message: "\nCannot find module\nat x",
      assertionResults: [],
    };
    const result = { fullName: "is so", status: "failed", duration: 5.4 };
    const failed = {
      ...broken,
      name: "/root/test/b.test.ts",
      assertionResults: [
        { ...result, failureMessages: ["AssertionError: expected 1 to be 2\n    at y"] },
        { ...result, fullName: "ends", failureMessages: ["Error: STACK_TRACE_ERROR\n    at z"] },
        { ...result, fullName: "holds", status: "passed", failureMessages: [] },
      ],
    };
    const sound = { ...failed, status: "passed", assertionResults: failed.assertionResults.slice(2) };
    const testResults = [broken, failed, sound];
    const { closingLine, failures } = summarize({ ...report, numFailedTests: 2, testResults }, "/root");
    expect(closingLine).toBe("3 passed, 3 failed");
    expect(failures).toEqual([
      "test/a.test.ts: Cannot find module",
      "test/b.test.ts > is so: AssertionError: expected 1 to be 2",
      "test/b.test.ts > ends: timed out after 5 ms",
    ]);
  });

  test("lets few files of browsers and processes run once more, and counts what failed again as failed", () => {
    expect(repeatedFiles(["test/e2e/a.test.ts", "test/integration/b.test.ts"])).toHaveLength(2);
    expect(repeatedFiles(["test/e2e/a.test.ts", "test/contract/b.test.ts"])).toEqual([]);
    expect(repeatedFiles([1, 2, 3, 4].map((one) => `test/e2e/${one}.test.ts`))).toEqual([]);

    const of = (passedCount: number, failures: string[]): ReturnType<typeof summarize> => ({
      ...summarize({ ...report, numPassedTests: passedCount, numFailedTests: failures.length }),
      failures,
    });
    expect(joinRuns(of(10, ["a > x: no", "a > y: no"]), of(5, ["a > y: no"]))).toMatchObject({
      passedCount: 11,
      unsteady: ["a > x: no"],
      failures: ["a > y: no"],
      closingLine: "11 passed, 1 failed",
    });
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

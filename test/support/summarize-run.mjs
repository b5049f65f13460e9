import { relative } from "node:path";

/** What vitest's reporter says in the place of a message where a test took longer than it may. */
const TIMED_OUT = "STACK_TRACE_ERROR";

/**
 * The figures of a vitest run, from the report of its `json` reporter, and a line for each failure: file, test, and the first line
 * of its error. A file that failed without any failed test in it (it could not be loaded, a hook threw) counts as one failure.
 *
 * @param {{
 *   numPassedTests: number,
 *   numFailedTests: number,
 *   numPendingTests: number,
 *   numTodoTests: number,
 *   testResults: {
 *     name: string,
 *     status: string,
 *     message: string,
 *     assertionResults: { fullName: string, status: string, duration?: number | null, failureMessages: string[] | null }[],
 *   }[],
 * }} report
 * @param {string} [root] the folder that the files' paths are told from
 */
export function summarize(report, root = process.cwd()) {
  const failures = report.testResults.flatMap((file) => failuresOf(file, root));
  const brokenFileCount = failures.filter(({ isFile }) => isFile).length;
  const failedCount = report.numFailedTests + brokenFileCount;
  const skippedCount = report.numPendingTests + report.numTodoTests;
  const skipped = skippedCount > 0 ? `, ${skippedCount} skipped` : "";
  return {
    passedCount: report.numPassedTests,
    failures: failures.map(({ line }) => line),
    closingLine: `${report.numPassedTests} passed, ${failedCount} failed${skipped}`,
  };
}

/**
 * @param {Parameters<typeof summarize>[0]["testResults"][number]} file
 * @param {string} root
 */
function failuresOf({ name, status, message, assertionResults }, root) {
  const path = relative(root, name);
  const failed = assertionResults.filter((test) => test.status === "failed");
  if (failed.length === 0) {
    return status === "failed" ? [{ isFile: true, line: `${path}: ${firstLine(message)}` }] : [];
  }
  return failed.map(({ fullName, duration, failureMessages }) => {
    const first = firstLine(failureMessages?.[0] ?? "");
    const cause = first.includes(TIMED_OUT) ? `timed out after ${Math.round(duration ?? 0)} ms` : first;
    return { isFile: false, line: `${path} > ${fullName}: ${cause}` };
  });
}

/** @param {string} text */
function firstLine(text) {
  return text.split("\n").find((line) => line.trim() !== "") ?? "no message";
}

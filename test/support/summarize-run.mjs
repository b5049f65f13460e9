import { relative } from "node:path";

/** Their tests drive browsers, processes and connections. A failure anywhere else is a fault at once. */
const DRIVEN = /^test\/(?:integration|e2e)\//;
/** More files than these do not fail by chance. */
const MOST_REPEATED = 3;

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
    failedCount,
    skipped,
    failures: failures.map(({ line }) => line),
    failedFiles: [...new Set(failures.map(({ path }) => path))],
    /** @type {string[]} failures that passed when their file ran once more */
    unsteady: [],
    closingLine: closingLineOf(report.numPassedTests, failedCount, skipped),
  };
}

/**
 * @param {number} passedCount
 * @param {number} failedCount
 * @param {string} skipped
 */
function closingLineOf(passedCount, failedCount, skipped) {
  return `${passedCount} passed, ${failedCount} failed${skipped}`;
}

/**
 * The file and the test of a failure's line.
 * @param {string} line
 */
function testOf(line) {
  return line.split(": ")[0];
}

/**
 * The files that run once more, or none.
 * @param {readonly string[]} failedFiles
 */
export function repeatedFiles(failedFiles) {
  const mayRepeat = failedFiles.length <= MOST_REPEATED && failedFiles.every((path) => DRIVEN.test(path));
  return mayRepeat ? failedFiles : [];
}

/**
 * The figures of a run whose failed files ran once more: what failed again has failed, all else has passed.
 * @param {ReturnType<typeof summarize>} first
 * @param {ReturnType<typeof summarize>} second of these files alone
 */
export function joinRuns(first, second) {
  const failedAgain = new Set(second.failures.map(testOf));
  const passedCount = first.passedCount + first.failedCount - second.failedCount;
  return {
    ...second,
    passedCount,
    unsteady: first.failures.filter((line) => !failedAgain.has(testOf(line))),
    closingLine: closingLineOf(passedCount, second.failedCount, first.skipped),
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
    return status === "failed" ? [{ isFile: true, path, line: `${path}: ${firstLine(message)}` }] : [];
  }
  return failed.map(({ fullName, duration, failureMessages }) => {
    const first = firstLine(failureMessages?.[0] ?? "");
    const cause = first.includes(TIMED_OUT) ? `timed out after ${Math.round(duration ?? 0)} ms` : first;
    return { isFile: false, path, line: `${path} > ${fullName}: ${cause}` };
  });
}

/** @param {string} text */
function firstLine(text) {
  return text.split("\n").find((line) => line.trim() !== "") ?? "no message";
}

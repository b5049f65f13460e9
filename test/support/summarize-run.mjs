/**
 * The figures of a vitest run, from the report of its `json` reporter.
 * A file that failed without any failed test in it (it could not be loaded, a hook threw) counts as one failure.
 *
 * @param {{
 *   numPassedTests: number,
 *   numFailedTests: number,
 *   numPendingTests: number,
 *   numTodoTests: number,
 *   testResults: { status: string, assertionResults: { status: string }[] }[],
 * }} report
 */
export function summarize(report) {
  const brokenFileCount = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
  ).length;
  const failedCount = report.numFailedTests + brokenFileCount;
  const skippedCount = report.numPendingTests + report.numTodoTests;
  const skipped = skippedCount > 0 ? `, ${skippedCount} skipped` : "";
  return {
    passedCount: report.numPassedTests,
    closingLine: `${report.numPassedTests} passed, ${failedCount} failed${skipped}`,
  };
}

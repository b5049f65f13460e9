// `npm test`: makes the machine ready, runs every gate and the whole suite, and closes with one line of figures.
// Arguments go to vitest and leave the other gates out: `npm test -- --project unit`.
// Plain JavaScript without packages, because on a fresh clone there are none yet.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { prepare } from "../../scripts/prepare.mjs";
import { prepareMachine } from "./prepare-machine.mjs";
import { joinRuns, repeatedFiles, summarize } from "./summarize-run.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
/** Scripts of package.json; the floors are part of the suite. The linter checks types, too: it reads them anyway. */
const GATES = ["format:check", "lint", "dead-code"];

/**
 * Runs a program to its end. Captured output is returned, other output is shown as it comes.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ isCaptured?: boolean }} [options]
 * @returns {Promise<{ hasPassed: boolean, output: string }>}
 */
function run(command, args, { isCaptured = false } = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: isCaptured ? ["ignore", "pipe", "pipe"] : "inherit",
    });
    let output = "";
    child.stdout?.on("data", (text) => (output += text));
    child.stderr?.on("data", (text) => (output += text));
    child.once("error", (error) => done({ hasPassed: false, output: `${output}${error.message}\n` }));
    child.once("close", (code) => done({ hasPassed: code === 0, output }));
  });
}

/**
 * The names of the gates that failed. They run one after the other, and each prints at its end.
 * @param {readonly string[]} gates
 */
async function runGates(gates) {
  const failed = [];
  for (const gate of gates) {
    const { hasPassed, output } = await run("npm", ["run", "--silent", gate], { isCaptured: true });
    console.log(`\ntest: ${gate} ${hasPassed ? "passed" : "failed"}\n${output}`);
    if (!hasPassed) {
      failed.push(gate);
    }
  }
  return failed;
}

/** What a run that left no report has. */
const NO_REPORT = {
  passedCount: 0,
  failedCount: 0,
  skipped: "",
  failures: [],
  failedFiles: [],
  unsteady: [],
  closingLine: "0 passed, 0 failed",
};

/** @param {readonly string[]} vitestArgs */
async function runSuite(vitestArgs) {
  const folder = mkdtempSync(join(tmpdir(), "powercrud-report-"));
  const report = join(folder, "report.json");
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { hasPassed } = await run(process.execPath, [vitest, "run", ...reporters, ...vitestArgs]);
  try {
    return { hasPassed, ...summarize(JSON.parse(readFileSync(report, "utf8")), ROOT) };
  } catch (error) {
    console.error(`test: vitest left no report: ${String(error)}`);
    return { hasPassed: false, ...NO_REPORT };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The whole suite. Of the files that drive browsers and processes, up to three that failed run once more, alone: a machine
 * that stood still for a moment is no fault of the product. What passes only then is named at the end, and is to be mended.
 */
async function runWholeSuite() {
  const first = await runSuite([]);
  const files = repeatedFiles(first.failedFiles);
  if (files.length === 0) {
    return first;
  }
  console.log(`\ntest: these failed, and run once more: ${files.join(", ")}\n`);
  const second = await runSuite(files);
  return { hasPassed: second.hasPassed, ...joinRuns(first, second) };
}

const isPrepared = process.argv.includes("--prepared");
const vitestArgs = process.argv.slice(2).filter((argument) => argument !== "--prepared");

if (!isPrepared) {
  await prepare();
  prepareMachine();
}

// The gates compute while the tests wait for servers.
const [failedGates, suite] = await Promise.all([
  runGates(vitestArgs.length === 0 ? GATES : []),
  vitestArgs.length === 0 ? runWholeSuite() : runSuite(vitestArgs),
]);

for (const gate of failedGates) {
  console.error(`test: the gate "${gate}" failed; its output is above`);
}
// Once more at the end, since the tests' own output is long.
suite.failures.forEach((line) => console.error(`test: failed: ${line}`));
suite.unsteady.forEach((line) =>
  console.error(`test: unsteady, passed only when its file ran once more: ${line}`),
);
if (!suite.hasPassed && suite.failures.length === 0) {
  console.error("test: vitest failed though no test did; its output above says why");
}
if (suite.passedCount === 0) {
  console.error("test: no test passed, so nothing was proved");
}
console.log(suite.closingLine);
process.exitCode = suite.hasPassed && suite.passedCount > 0 && failedGates.length === 0 ? 0 : 1;

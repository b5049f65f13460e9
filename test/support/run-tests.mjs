// `npm test`: makes the machine ready, runs every gate and the whole suite, and closes with one line of figures.
// Arguments go to vitest and leave the other gates out: `npm test -- --project unit`.
// Plain JavaScript without packages, because on a fresh clone there are none yet.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { prepare } from "../../scripts/prepare.mjs";
import { prepareMachine } from "./prepare-machine.mjs";
import { summarize } from "./summarize-run.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
/** Scripts of package.json; the floors are part of the suite. */
const GATES = ["format:check", "types", "lint", "dead-code"];

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function succeeds(command, args) {
  return spawnSync(command, args, { cwd: ROOT, stdio: "inherit" }).status === 0;
}

/** @param {readonly string[]} vitestArgs */
function runSuite(vitestArgs) {
  const folder = mkdtempSync(join(tmpdir(), "powercrud-report-"));
  const report = join(folder, "report.json");
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const hasPassed = succeeds(process.execPath, [vitest, "run", ...reporters, ...vitestArgs]);
  try {
    return { hasPassed, ...summarize(JSON.parse(readFileSync(report, "utf8"))) };
  } catch (error) {
    console.error(`test: vitest left no report: ${String(error)}`);
    return { hasPassed: false, passedCount: 0, closingLine: "0 passed, 0 failed" };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const isPrepared = process.argv.includes("--prepared");
const vitestArgs = process.argv.slice(2).filter((argument) => argument !== "--prepared");

if (!isPrepared) {
  await prepare();
  prepareMachine();
}

const failedGates = (vitestArgs.length === 0 ? GATES : []).filter((gate) => {
  console.log(`\ntest: ${gate}`);
  return !succeeds("npm", ["run", "--silent", gate]);
});

console.log("\ntest: suite");
const suite = runSuite(vitestArgs);

for (const gate of failedGates) {
  console.error(`test: the gate "${gate}" failed; its output is above`);
}
if (suite.passedCount === 0) {
  console.error("test: no test passed, so nothing was proved");
}
console.log(suite.closingLine);
process.exitCode = suite.hasPassed && suite.passedCount > 0 && failedGates.length === 0 ? 0 : 1;

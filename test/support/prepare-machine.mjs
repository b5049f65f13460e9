// What the suite needs besides Node: a Redis server and a browser, both real. Plain JavaScript without packages.
import { spawnSync } from "node:child_process";

import { BROWSER_NAMES, findProgram } from "./find-program.mjs";

const NEEDED = [
  { what: "Redis", names: ["redis-server"], debianPackage: "redis-server" },
  { what: "a Chromium browser", names: BROWSER_NAMES, debianPackage: "chromium" },
];

/**
 * Finds what the suite needs, installs what is missing where it can (as root, with Debian's tools), says what it did,
 * and ends the process with what to install where it cannot.
 */
export function prepareMachine() {
  const missing = NEEDED.filter(({ what, names }) => {
    const program = findProgram(names);
    if (program !== undefined) {
      console.log(`test: found ${what}: ${program}`);
    }
    return program === undefined;
  });
  if (missing.length === 0) {
    return;
  }
  const packages = missing.map(({ debianPackage }) => debianPackage);
  if (process.getuid?.() !== 0 || findProgram(["apt-get"]) === undefined) {
    const list = missing
      .map(({ what, names }) => `${what} (${names.join(" or ")} in the PATH)`)
      .join(" and ");
    fail(`the tests need ${list}; on Debian: sudo apt-get install ${packages.join(" ")}`);
  }
  // Should the package start a Redis service of its own, it is not in the way: the suite uses a free port.
  console.log(`test: installing ${packages.join(" and ")} with apt-get`);
  runApt(["update"]);
  runApt(["install", "-y", "--no-install-recommends", ...packages]);
  const stillMissing = missing.filter(({ names }) => findProgram(names) === undefined);
  if (stillMissing.length > 0) {
    fail(`apt-get installed ${packages.join(" and ")}, and yet ${stillMissing[0]?.what} is not in the PATH`);
  }
  console.log(`test: installed ${packages.join(" and ")}`);
}

/** @param {readonly string[]} args */
function runApt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stdout, stderr } = spawnSync("apt-get", ["-q", ...args], { env, encoding: "utf8" });
  if (status !== 0) {
    fail(`apt-get ${args.join(" ")} failed:\n${stdout}${stderr}`);
  }
}

/** @param {string} message */
function fail(message) {
  console.error(`test: ${message}`);
  process.exit(1);
}

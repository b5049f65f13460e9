// Prepares a checkout: installs the packages and generates the Prisma client, each only if needed.
// Plain JavaScript without packages, because a fresh clone has none yet.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { buildDashboard, isDashboardStale } from "./build-dashboard.mjs";

const ROOT = resolve(import.meta.dirname, "..");
const INSTALL_STAMP = "node_modules/.powercrud-stamp";
const GENERATE_STAMP = "src/generated/.stamp";
/** Files that the generators write. If one is missing, the generators run, even if the stamp is current. */
const GENERATED_FILES = ["src/generated/prisma/client.ts", "src/generated/powercrud.ts"];
/** What the generators' output depends on, besides the schema and the generator's own code. */
const GENERATE_INPUTS = [
  "prisma.config.ts",
  "node_modules/prisma/package.json",
  "node_modules/@prisma/client/package.json",
];
const GENERATOR = "src/generator";
const LOCK_POLL_MS = 100;
/** An older lock is void: no installation takes this long. */
const LOCK_MAX_AGE_MS = 15 * 60_000;

/**
 * Installs and generates what is missing or out of date. Concurrent runs wait for each other. Takes a few milliseconds if
 * nothing is to be done.
 * @param {{ root?: string, isGenerateForced?: boolean }} [options] `root`: the folder with `package.json`, by default this
 *   project's; `isGenerateForced`: generates in any case
 * @throws {Error} with one line that names the failed program, whose output is on standard error
 */
export async function prepare({ root = ROOT, isGenerateForced = false } = {}) {
  if (!needsInstall(root) && !needsGenerate(root) && !isGenerateForced && !isDashboardStale(root)) {
    return;
  }
  const unlock = await lock(root);
  try {
    // Checked again: another process may have done it while this one waited.
    if (needsInstall(root)) {
      install(root);
    }
    if (needsGenerate(root) || isGenerateForced) {
      generate(root);
    }
    if (isDashboardStale(root)) {
      say("building the dashboard");
      await buildDashboard(root);
    }
  } finally {
    unlock();
  }
}

/** @param {string} root */
function needsInstall(root) {
  if (read(root, INSTALL_STAMP) === hash(root, ["package-lock.json"])) {
    return false;
  }
  // Someone may have run npm by hand; npm's own list of installed packages shows that.
  if (!matchesInstalled(root)) {
    return true;
  }
  writeFileSync(join(root, INSTALL_STAMP), hash(root, ["package-lock.json"]));
  return false;
}

/** @param {string} root */
function matchesInstalled(root) {
  const installed = packagesOf(read(root, "node_modules/.package-lock.json"));
  const wanted = Object.entries(packagesOf(read(root, "package-lock.json"))).filter(([path]) => path !== "");
  return (
    wanted.length > 0 &&
    wanted.every(([path, { version, optional }]) =>
      // Packages for other platforms are left out.
      installed[path] === undefined ? optional === true : installed[path].version === version,
    )
  );
}

/**
 * @param {string | undefined} lockfile
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function packagesOf(lockfile) {
  return lockfile === undefined ? {} : (JSON.parse(lockfile).packages ?? {});
}

/** @param {string} root */
function needsGenerate(root) {
  const isComplete = GENERATED_FILES.every((file) => existsSync(join(root, file)));
  return !isComplete || read(root, GENERATE_STAMP) !== hash(root, generateInputs(root));
}

/**
 * Everything that the generators' output depends on. The schema may be one file or several.
 * @param {string} root
 */
function generateInputs(root) {
  return [...GENERATE_INPUTS, ...filesIn(root, "prisma", ".prisma"), ...filesIn(root, GENERATOR, ".ts")];
}

/**
 * @param {string} root
 * @param {string} folder
 * @param {string} extension
 */
function filesIn(root, folder, extension) {
  const path = join(root, folder);
  const names = existsSync(path) ? readdirSync(path, { recursive: true, encoding: "utf8" }) : [];
  return names
    .filter((name) => name.endsWith(extension))
    .map((name) => join(folder, name))
    .toSorted();
}

/**
 * Puts our generator where Prisma looks for it: npm does so for an installed package, but not for a checkout of it.
 * @param {string} root
 */
function linkGenerator(root) {
  const folder = join(root, "node_modules/.bin");
  mkdirSync(folder, { recursive: true });
  const script = "scripts/powercrud-generator.mjs";
  writeFileSync(
    join(folder, "powercrud-generator"),
    `#!/bin/sh\nexec node "$(dirname "$0")/../../${script}"\n`,
    { mode: 0o755 },
  );
  writeFileSync(
    join(folder, "powercrud-generator.cmd"),
    `@node "%~dp0..\\..\\${script.replaceAll("/", "\\")}"\r\n`,
  );
}

/** @param {string} root */
function install(root) {
  say("installing packages");
  // A checkout needs the development packages, even where NODE_ENV is production.
  const args = ["ci", "--include=dev", "--no-audit", "--no-fund"];
  // Uses the npm that runs us, if any; otherwise the one in the PATH, which on Windows is a script for the shell.
  const npm = process.env.npm_execpath;
  const isNpm = npm !== undefined && /npm-cli\.c?js$/.test(npm);
  const result = isNpm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ["ignore", 2, 2] })
    : spawnSync("npm", args, { cwd: root, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  if (result.status !== 0) {
    throw new Error(`the packages could not be installed: npm ci ${endOf(result)}`);
  }
  writeFileSync(join(root, INSTALL_STAMP), hash(root, ["package-lock.json"]));
}

/** @param {string} root */
function generate(root) {
  say("generating the Prisma client");
  linkGenerator(root);
  const result = spawnSync(process.execPath, [join(root, "node_modules/prisma/build/index.js"), "generate"], {
    cwd: root,
    encoding: "utf8",
    env: {
      ...process.env,
      // Generators are found by the names of their programs.
      PATH: [join(root, "node_modules/.bin"), process.env.PATH ?? ""].join(delimiter),
      // `generate` never runs this program, but downloads it unless this names an existing file.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: "1",
      CHECKPOINT_DISABLE: "1",
    },
  });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}\n`);
    throw new Error(`the Prisma client could not be generated: prisma generate ${endOf(result)}`);
  }
  writeFileSync(join(root, GENERATE_STAMP), hash(root, generateInputs(root)));
}

/** @param {import("node:child_process").SpawnSyncReturns<unknown>} result */
function endOf({ error, signal, status }) {
  return error === undefined ? `ended with ${signal ?? status}` : `cannot be run (${error.message})`;
}

/**
 * Waits for the lock of the checkout and takes it. The lock is a file with the owner's process id; it is void if that
 * process is gone.
 * @param {string} root
 * @returns {Promise<() => void>} releases the lock
 */
async function lock(root) {
  const name = createHash("sha256").update(resolve(root)).digest("hex").slice(0, 16);
  const file = join(tmpdir(), `powercrud-prepare-${name}.lock`);
  for (;;) {
    try {
      const handle = openSync(file, "wx");
      writeSync(handle, String(process.pid));
      closeSync(handle);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") {
        throw error;
      }
    }
    if (isAbandoned(file)) {
      rmSync(file, { force: true });
    } else {
      await delay(LOCK_POLL_MS);
    }
  }
}

/** @param {string} file */
function isAbandoned(file) {
  try {
    const ageMs = Date.now() - statSync(file).mtimeMs;
    const owner = Number(readFileSync(file, "utf8"));
    // The file is empty for a moment between its creation and its writing.
    return ageMs > LOCK_MAX_AGE_MS || (ageMs > LOCK_POLL_MS && !isRunning(owner));
  } catch {
    // The lock was released meanwhile.
    return false;
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

/**
 * @param {string} root
 * @param {string} file
 */
function read(root, file) {
  try {
    return readFileSync(join(root, file), "utf8");
  } catch {
    return undefined;
  }
}

/**
 * @param {string} root
 * @param {readonly string[]} files
 */
function hash(root, files) {
  const sum = createHash("sha256");
  for (const file of files) {
    sum.update(`${file}\n${read(root, file) ?? ""}\n`);
  }
  return sum.digest("hex");
}

/** @param {string} message */
function say(message) {
  process.stderr.write(`powercrud: ${message}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await prepare({ isGenerateForced: process.argv.includes("--force-generate") }).catch((error) => {
    say(error.message);
    process.exitCode = 1;
  });
}

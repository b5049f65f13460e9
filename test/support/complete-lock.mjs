// `node test/support/complete-lock.mjs`: adds to package-lock.json the packages for other systems (`…-darwin-arm64`) that
// npm left out because it could not see them when it wrote the lock. Without them `npm ci` refuses the lock, and
// other systems would not get their binaries. Platform packages are wanted in exactly one version, so no look-up is needed.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const SYSTEMS = [
  "darwin",
  "win32",
  "linux",
  "freebsd",
  "android",
  "openharmony",
  "openbsd",
  "netbsd",
  "sunos",
  "aix",
];
const PROCESSORS = ["x64", "arm64", "arm", "ia32", "ppc64", "s390x", "riscv64"];

/**
 * @typedef {{ version?: string, dev?: boolean, optionalDependencies?: Record<string, string> }} LockedPackage
 * @typedef {{ packages: Record<string, LockedPackage> }} Lock
 */

/**
 * The optional dependencies that a lock asks for and does not hold.
 *
 * @param {Lock} lock
 */
export function missingPackages({ packages }) {
  return Object.entries(packages).flatMap(([path, locked]) =>
    Object.entries(locked.optionalDependencies ?? {})
      .filter(([name]) => !isHeld(packages, path, name))
      .map(([name, version]) => ({ name, version, isDev: locked.dev === true })),
  );
}

/**
 * @param {Lock["packages"]} packages
 * @param {string} path of the package that asks
 * @param {string} name
 * @returns {boolean}
 */
function isHeld(packages, path, name) {
  const inside = `${path === "" ? "" : `${path}/`}node_modules/${name}`;
  const parent = path.slice(0, Math.max(0, path.lastIndexOf("node_modules/") - 1));
  return inside in packages || (path !== "" && isHeld(packages, parent, name));
}

/** @param {ReturnType<typeof missingPackages>[number]} missing */
function toEntry({ name, version, isDev }) {
  const words = name.split(/[/-]/);
  const os = SYSTEMS.filter((system) => words.includes(system));
  if (os.length !== 1 || !/^\d+\.\d+\.\d+[^ |]*$/.test(version)) {
    throw new Error(`cannot tell the system or the version of ${name}@${version}`);
  }
  const cpu = PROCESSORS.filter((processor) => words.includes(processor));
  const libc = words.includes("musl") ? ["musl"] : words.includes("gnu") ? ["glibc"] : [];
  return {
    version,
    ...(cpu.length > 0 ? { cpu } : {}),
    ...(isDev ? { dev: true } : {}),
    ...(os.includes("linux") && libc.length > 0 ? { libc } : {}),
    optional: true,
    os,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = resolve(import.meta.dirname, "../../package-lock.json");
  const lock = JSON.parse(readFileSync(file, "utf8"));
  const missing = missingPackages(lock);
  const added = missing.map((one) => [`node_modules/${one.name}`, toEntry(one)]);
  const entries = [...Object.entries(lock.packages), ...added];
  lock.packages = Object.fromEntries(entries.toSorted(([one], [other]) => one.localeCompare(other, "en")));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`added ${missing.length} packages to package-lock.json`);
}

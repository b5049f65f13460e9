import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { beforeAll, expect, test } from "vitest";

import { missingPackages } from "../support/complete-lock.mjs";

interface LockedPackage {
  version?: string;
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

let packages: Record<string, LockedPackage>;

beforeAll(async () => {
  const file = resolve(import.meta.dirname, "../../package-lock.json");
  ({ packages } = JSON.parse(await readFile(file, "utf8")));
});

test("the lock holds the packages of every system; if not: node test/support/complete-lock.mjs", () => {
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(missingPackages({ packages })).toEqual([]);
});

test("the lock names no registry, so that each installation uses its own", () => {
  const named = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined);
  expect(named.map(([path]) => path)).toEqual([]);
});

test("a package that the lock lacks is found, and one that is installed further up is not reported", () => {
  const optionalDependencies = { "up-linux": "1.0.0", "gone-darwin-arm64": "1.0.0" };
  const planted = {
    "": {},
    "node_modules/@scope/asks": { optionalDependencies },
    "node_modules/up-linux": { version: "1.0.0" },
    "node_modules/@scope/asks/node_modules/inner": { optionalDependencies: { "up-linux": "1.0.0" } },
  };
  expect(missingPackages({ packages: planted })).toEqual([
    { name: "gone-darwin-arm64", version: "1.0.0", isDev: false },
  ]);
});

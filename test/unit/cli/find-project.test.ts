import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findProject } from "../../../src/cli/find-project.mjs";
import { createTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await createTemporaryFolder("project");
});
afterEach(() => folder.remove());

/** Makes a package in the folder. @returns its path */
async function packageAt(path: string, manifest: object = {}): Promise<string> {
  const dir = join(folder.path, path);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "package.json"), JSON.stringify(manifest));
  return dir;
}

const DEPENDING = { dependencies: { "powercrud-graphql": "*" } };

describe("the project of a checkout's command line", () => {
  it("is the checkout, from any folder inside or outside of it", async () => {
    const root = await packageAt("checkout");
    const own = { dir: root, isEmbedding: false };
    expect(findProject({ root, from: root })).toEqual(own);
    expect(findProject({ root, from: join(root, "src") })).toEqual(own);
    expect(findProject({ root, from: await packageAt("other", { dependencies: { pg: "8" } }) })).toEqual(own);
  });

  it("is a project that the checkout is linked to, or that has a config of its own", async () => {
    const root = await packageAt("checkout");
    const dir = await packageAt("library", DEPENDING);
    expect(findProject({ root, from: join(dir, "src") })).toEqual({ dir, isEmbedding: true });
    const configured = await packageAt("configured");
    await writeFile(join(configured, "powercrud.config.ts"), "");
    expect(findProject({ root, from: configured })).toEqual({ dir: configured, isEmbedding: true });
  });
});

describe("the project of an installed command line", () => {
  it("is the nearest folder with a config, also where a folder below has a package.json", async () => {
    const dir = await packageAt("shop", DEPENDING);
    await writeFile(join(dir, "powercrud.config.ts"), "");
    const root = await packageAt("shop/node_modules/powercrud-graphql");
    const from = await packageAt("shop/apps/web");
    expect(findProject({ root, from })).toEqual({ dir, isEmbedding: true });
  });

  it("is the nearest package where there is no config, and never one below node_modules", async () => {
    const dir = await packageAt("library", DEPENDING);
    const root = await packageAt("library/node_modules/powercrud-graphql");
    for (const from of [dir, join(dir, "src"), root, join(root, "dist")]) {
      expect(findProject({ root, from })).toEqual({ dir, isEmbedding: true });
    }
  });

  it("is the working folder where there is no package at all", async () => {
    const root = await packageAt("elsewhere/node_modules/powercrud-graphql");
    const from = join(folder.path, "nothing");
    expect(findProject({ root, from })).toEqual({ dir: from, isEmbedding: true });
  });
});

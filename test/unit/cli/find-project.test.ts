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

describe("the project of the command line", () => {
  it("is the checkout, from any folder inside or outside of it", async () => {
    const root = await packageAt("checkout");
    const own = { dir: root, isEmbedding: false };
    expect(findProject({ root, from: root })).toEqual(own);
    expect(findProject({ root, from: join(root, "src") })).toEqual(own);
    expect(findProject({ root, from: await packageAt("other", { dependencies: { pg: "8" } }) })).toEqual(own);
  });

  it("is the embedding project if the package is installed, linked or a workspace", async () => {
    const dir = await packageAt("library", DEPENDING);
    const installed = await packageAt("library/node_modules/powercrud-graphql");
    const linked = await packageAt("checkout");
    for (const root of [installed, linked]) {
      expect(findProject({ root, from: join(dir, "src") })).toEqual({ dir, isEmbedding: true });
    }
  });

  it("is never a package below node_modules", async () => {
    const root = await packageAt("node_modules/powercrud-graphql");
    const from = join(folder.path, "nothing");
    expect(findProject({ root, from })).toEqual({ dir: expect.any(String), isEmbedding: true });
    expect(findProject({ root, from }).dir).not.toBe(root);
  });
});

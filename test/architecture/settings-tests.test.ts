import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SERVICE_VARIABLES } from "../../src/config/service-variables.ts";

/** Stands where a test changes a setting, and sees that the behaviour changes with it. */
const MARKER = /^\s*\/\/ setting: (\w+)$/gm;

/** The marked settings, with the files of their tests. */
async function readMarkers(): Promise<ReadonlyMap<string, string>> {
  const markers = new Map<string, string>();
  const files = await readdir("test", { recursive: true });
  for (const file of files.filter((name) => name.endsWith(".test.ts"))) {
    const path = join("test", file);
    for (const [, name = ""] of (await readFile(path, "utf8")).matchAll(MARKER)) {
      markers.set(name, path);
    }
  }
  return markers;
}

it("each setting has a test that changes it, marked with its name, and no other name is marked", async () => {
  const markers = await readMarkers();
  const names = Object.values(SERVICE_VARIABLES).map(({ name }) => name);
  expect([...markers.keys()].toSorted()).toEqual(names.toSorted());
});

it("a marked test uses its setting", async () => {
  const markers = await readMarkers();
  const unused: string[] = [];
  for (const [property, { name }] of Object.entries(SERVICE_VARIABLES)) {
    const text = await readFile(markers.get(name) ?? "", "utf8");
    if (!new RegExp(`\\b(?:${property}|${name})\\b`).test(text.replaceAll(MARKER, ""))) {
      unused.push(name);
    }
  }
  expect(unused).toEqual([]);
});

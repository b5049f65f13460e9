import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SERVICE_VARIABLES } from "../../src/config/service-variables.ts";
import { CONFIG_OPTIONS } from "../support/config-options.ts";

/** Stands where a test changes a setting, and sees that the behaviour changes with it. */
const SETTING = /^\s*\/\/ setting: (\w+)$/gm;
/** The same for an option of the config: `models.fields.*.isExposed`. */
const OPTION = /^\s*\/\/ option: (\S+)$/gm;

/** The marked names, with the files of their tests. */
async function readMarkers(marker: RegExp): Promise<ReadonlyMap<string, string>> {
  const markers = new Map<string, string>();
  const files = await readdir("test", { recursive: true });
  for (const file of files.filter((name) => name.endsWith(".test.ts"))) {
    const path = join("test", file);
    for (const [, name = ""] of (await readFile(path, "utf8")).matchAll(marker)) {
      markers.set(name, path);
    }
  }
  return markers;
}

it("each setting has a test that changes it, marked with its name, and no other name is marked", async () => {
  const markers = await readMarkers(SETTING);
  const names = Object.values(SERVICE_VARIABLES).map(({ name }) => name);
  expect([...markers.keys()].toSorted()).toEqual(names.toSorted());
});

it("a marked test uses its setting", async () => {
  const markers = await readMarkers(SETTING);
  const unused: string[] = [];
  for (const [property, { name }] of Object.entries(SERVICE_VARIABLES)) {
    const text = await readFile(markers.get(name) ?? "", "utf8");
    if (!new RegExp(`\\b(?:${property}|${name})\\b`).test(text.replaceAll(SETTING, ""))) {
      unused.push(name);
    }
  }
  expect(unused).toEqual([]);
});

/** All options of a config: `hooks.create`, `models.plural`. */
function configOptions(): readonly string[] {
  const { all, seed, ...byMember } = CONFIG_OPTIONS;
  const own = Object.entries(byMember).flatMap(([member, names]) => names.map((name) => `${member}.${name}`));
  // `types` holds nothing: it is for the compiler, which test/architecture/config-types.test.ts asks.
  return [...all, ...seed, ...own].filter((name) => name !== "tasks.types");
}

it("each option of the config has a test that changes it, marked with its name, and no other name is marked", async () => {
  const markers = await readMarkers(OPTION);
  expect([...markers.keys()].toSorted()).toEqual(configOptions().toSorted());
});

it("a marked test uses its option", async () => {
  const unused: string[] = [];
  for (const [name, file] of await readMarkers(OPTION)) {
    const text = (await readFile(file, "utf8")).replaceAll(OPTION, "");
    if (!new RegExp(`\\b${name.split(".").at(-1)}\\b`).test(text)) {
      unused.push(name);
    }
  }
  expect(unused).toEqual([]);
});

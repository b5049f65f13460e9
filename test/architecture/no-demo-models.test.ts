import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import pluralize from "pluralize";
import { beforeAll, describe, expect, test } from "vitest";

import { wordsInScript, wordsInSql } from "../support/words-in-code.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** Words of other programs that are also a model's name, such as `tag: "ok"` of Prisma's engine, and Mantine's `TagsInput`. */
const FOREIGN_WORDS: Readonly<Record<string, readonly string[]>> = {
  "src/adapters/prisma/migration-folder.ts": ["tag"],
  "src/adapters/prisma/schema-engine.ts": ["tag"],
  "src/dashboard/records/value-input.tsx": ["tags"],
};

let demoWords: string[];

/** The demo's models and enums as words: `City` gives `city` and `cities`; `CityStatus` adds nothing. */
async function readDemoWords(): Promise<string[]> {
  const schema = await readFile(join(ROOT, "prisma/schema.prisma"), "utf8");
  const names = [...schema.matchAll(/^(?:model|enum)\s+([A-Z][a-z]+)\s*\{/gm)].map((match) =>
    (match[1] ?? "").toLowerCase(),
  );
  return names.flatMap((name) => [name, pluralize(name)]);
}

function demoWordsIn(file: string, text: string): string[] {
  const words = file.endsWith(".sql") ? wordsInSql(text) : wordsInScript(file, text);
  return demoWords.filter((word) => words.has(word) && !FOREIGN_WORDS[file]?.includes(word));
}

beforeAll(async () => {
  demoWords = await readDemoWords();
});

test("nothing under src/ names a model of the demo", async () => {
  const files = (await readdir(join(ROOT, "src"), { recursive: true })).map((file) => `src/${file}`);
  const ours = files.filter(
    (file) => /\.(tsx?|mjs|sql|graphql)$/.test(file) && !/^src\/(?:dashboard\/)?generated\//.test(file),
  );
  const found = await Promise.all(
    ours.map(async (file) => ({ file, words: demoWordsIn(file, await readFile(join(ROOT, file), "utf8")) })),
  );
  expect(demoWords).toEqual(
    expect.arrayContaining(["city", "cities", "country", "countries", "tag", "languages"]),
  );
  expect(ours.length).toBeGreaterThan(0);
  expect(found.filter(({ words }) => words.length > 0)).toEqual([]);
});

describe("a planted name is found", () => {
  test.each([
    ["as a text", 'export const model = "City";', ["city"]],
    ["as part of a name", "export const bulkUpdateCities = 1;", ["cities"]],
    ["as a property", "export const read = (row: { countryCode: string }) => row.countryCode;", ["country"]],
    ["in a template", "export const sql = (id: number) => `select ${id} from tag where ${id} > 1`;", ["tag"]],
    ["in a pattern", "export const pattern = /languages/;", ["languages"]],
    ["as a type", "export type Row = import('x').City;", ["city"]],
  ])("%s", (_where, text, words) => {
    expect(demoWordsIn("src/planted.ts", text)).toEqual(words);
  });

  test("in SQL", () => {
    expect(demoWordsIn("src/planted.sql", '-- a language\nUPDATE "city" SET x = 1; /* tag */')).toEqual([
      "city",
    ]);
  });
});

test("comments and words that only contain a name are allowed", () => {
  const text =
    "/** `City` gives `cities`. */\nexport const capacity = 1; // Country\nexport const stage = 2;";
  expect(demoWordsIn("src/planted.ts", text)).toEqual([]);
});

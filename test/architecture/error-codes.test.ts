import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { expect, test } from "vitest";

import { REFUSALS } from "../../src/core/refusals/refusals.ts";
import { ERROR_CODES } from "../../src/kernel/error-codes.ts";

/** The codes that have a row in a table, or a heading of their own. */
function documentedCodes(markdown: string): string[] {
  return [...markdown.matchAll(/^(?:\|\s*|#{2,6}\s+)`([A-Z][A-Z\d_]*)`/gm)].map((match) => match[1] ?? "");
}

test("docs/errors.md documents every error code once, and no other", async () => {
  const markdown = await readFile(resolve(import.meta.dirname, "../../docs/errors.md"), "utf8");
  expect(documentedCodes(markdown).toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
});

test("docs/errors.md lists every type of refusal with its codes, and no other", async () => {
  const markdown = await readFile(resolve(import.meta.dirname, "../../docs/errors.md"), "utf8");
  const rows = [...markdown.matchAll(/^\| `([\w{}]*Error)`[^|]* \| (.*) \|$/gm)].map(([, type, codes]) => [
    type,
    codes?.replaceAll("`", "").split(", "),
  ]);
  expect(rows).toEqual(Object.values(REFUSALS).map(({ type, codes }) => [type, [...codes]]));
});

test("a code is documented by a row or a heading, not by being mentioned", () => {
  const markdown = "| `A_ROW` | text |\n\n### `A_HEADING`\n\nSee `MENTIONED`, and\n`AT_THE_START`.\n";
  expect(documentedCodes(markdown)).toEqual(["A_ROW", "A_HEADING"]);
});

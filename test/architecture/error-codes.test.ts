import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { CloseCode } from "graphql-ws";
import { expect, test } from "vitest";

import { REFUSALS } from "../../src/core/refusals/refusals.ts";
import { ERROR_CODES } from "../../src/kernel/error-codes.ts";
import { CLOSE_CODES, REQUEST_CODES } from "../../src/server/request-codes.ts";

/** The codes that have a row in a table, or a heading of their own. */
function documentedCodes(markdown: string): string[] {
  return [...markdown.matchAll(/^(?:\|\s*|#{2,6}\s+)`([A-Z][A-Z\d_]*)`/gm)].map((match) => match[1] ?? "");
}

test("docs/errors.md documents every code of errors and of requests once, and no other", async () => {
  const markdown = await readFile(resolve(import.meta.dirname, "../../docs/errors.md"), "utf8");
  const codes = [...Object.keys(ERROR_CODES), ...Object.keys(REQUEST_CODES)];
  expect(documentedCodes(markdown).toSorted()).toEqual(codes.toSorted());
});

test("docs/errors.md documents every code that closes a WebSocket, and no other", async () => {
  const markdown = await readFile(resolve(import.meta.dirname, "../../docs/errors.md"), "utf8");
  const documented = [...markdown.matchAll(/^\| `(\d{4})`/gm)].map((match) => match[1]);
  expect(documented).toEqual(Object.keys(CLOSE_CODES));
});

/** What the pattern finds in the sources of a package in `node_modules`. */
async function foundIn(folder: string, files: RegExp, pattern: RegExp): Promise<string[]> {
  const root = resolve(import.meta.dirname, "../../node_modules", folder);
  const names = (await readdir(root, { recursive: true })).filter((name) => files.test(name));
  const texts = await Promise.all(names.map((name) => readFile(join(root, name), "utf8")));
  return [...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] ?? "")))];
}

test("the packages that answer requests have no code that the service does not know", async () => {
  const pattern = /(?:code: |'code'\] (?:\|\|)?= )['"]([A-Z_]+)['"]/g;
  const used = [
    ...(await foundIn("graphql-yoga/esm", /\.js$/, pattern)),
    ...(await foundIn("@graphql-tools/executor/esm", /\.js$/, pattern)),
  ];
  // The service puts INTERNAL and LIMIT_EXCEEDED in their places.
  const replaced = ["INTERNAL_SERVER_ERROR", "REQUEST_ENTITY_TOO_LARGE"];
  expect(used).toEqual(expect.arrayContaining(["BAD_REQUEST", "BAD_USER_INPUT", ...replaced]));
  expect(used.filter((code) => !(code in REQUEST_CODES) && !replaced.includes(code))).toEqual([]);
});

test("the packages that speak WebSocket close it with no code that the service does not know", async () => {
  const names = await foundIn("graphql-ws/dist", /^server-.*\.js$/, /CloseCode\.(\w+)/g);
  const codes = names.map((name) => CloseCode[name as keyof typeof CloseCode]);
  const ofFrames = await foundIn("ws/lib", /^receiver\.js$/, /^\s+(1\d{3}),$/gm);
  expect(codes).toContain(CloseCode.BadRequest);
  expect(ofFrames).toContain("1009");
  expect([...codes, ...ofFrames].filter((code) => !(code in CLOSE_CODES))).toEqual([]);
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

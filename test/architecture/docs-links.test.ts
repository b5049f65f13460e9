import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { expect, test } from "vitest";

import { headingAnchors, linkTargets } from "../support/markdown-links.ts";

const ROOT = resolve(import.meta.dirname, "../..");

async function markdownFiles(): Promise<string[]> {
  const top = (await readdir(ROOT)).filter((name) => name.endsWith(".md"));
  const docs = await readdir(join(ROOT, "docs"), { recursive: true });
  return [...top, ...docs.filter((name) => name.endsWith(".md")).map((name) => join("docs", name))];
}

/** The relative links of a text to a missing file or heading. */
async function brokenLinks(file: string, markdown: string): Promise<string[]> {
  const targets = linkTargets(markdown).filter((target) => !/^[a-z][a-z\d+.-]*:/i.test(target));
  const areBroken = await Promise.all(targets.map((target) => isBroken(file, markdown, target)));
  return targets.filter((_target, index) => areBroken[index]).map((target) => `${file}: ${target}`);
}

async function isBroken(file: string, markdown: string, target: string): Promise<boolean> {
  const [path = "", anchor] = target.split("#");
  const place = resolve(ROOT, dirname(file), decodeURIComponent(path));
  if (path !== "" && !existsSync(place)) {
    return true;
  }
  if (anchor === undefined || (path !== "" && !path.endsWith(".md"))) {
    return false;
  }
  const text = path === "" ? markdown : await readFile(place, "utf8");
  return !headingAnchors(text).includes(anchor);
}

test("every relative link in the documents has an existing target", async () => {
  const files = await markdownFiles();
  expect(files).toContain("README.md");
  const broken = await Promise.all(
    files.map(async (file) => brokenLinks(file, await readFile(join(ROOT, file), "utf8"))),
  );
  expect(broken.flat()).toEqual([]);
});

test("a link to a missing file, to a missing image and to a missing heading are found; code and URLs are ignored", async () => {
  const markdown = [
    "# A heading, here",
    "[gone](docs/gone.md) ![gone](pictures/gone.png) [no](#no-heading) [yes](#a-heading-here) [file](package.json)",
    "`[code](code.md)` [web](https://example.org/gone)",
    "```",
    "[fenced](fenced.md)",
    "```",
    "[reference]: docs/reference-gone.md",
  ].join("\n");
  expect(await brokenLinks("planted.md", markdown)).toEqual([
    "planted.md: docs/gone.md",
    "planted.md: pictures/gone.png",
    "planted.md: #no-heading",
    "planted.md: docs/reference-gone.md",
  ]);
});

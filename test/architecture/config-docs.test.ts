import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { CONFIG_OPTIONS } from "../support/config-options.ts";

/** The options in the first column of a section's tables. */
function documentedIn(text: string, section: string): string[] {
  const [, body = ""] = text.split(new RegExp(`^## ${section}\\n`, "m"));
  const [own = ""] = body.split(/^## /m);
  const [, options = ""] = own.split(/^\| option \|.*\n\|[-|]+\n/m);
  const [rows = ""] = options.split("\n\n");
  return rows.split("\n").flatMap((row) => {
    const [, first = ""] = row.split("|");
    return [...first.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
  });
}

test.each([
  ["All of it", CONFIG_OPTIONS.all],
  ["Models", CONFIG_OPTIONS.models],
  ["Enums", CONFIG_OPTIONS.enums],
  ["Authentication", CONFIG_OPTIONS.auth],
  ["Tasks", CONFIG_OPTIONS.tasks],
  ["Schedules", CONFIG_OPTIONS.schedules],
  ["Hooks", CONFIG_OPTIONS.hooks],
  ["Seed", CONFIG_OPTIONS.seed],
])("docs/config.md has every option of: %s", async (section, options) => {
  const text = await readFile("docs/config.md", "utf8");
  expect(options.length).toBeGreaterThan(0);
  expect(documentedIn(text, section).toSorted()).toEqual(options.toSorted());
});

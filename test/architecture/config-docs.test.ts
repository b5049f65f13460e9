import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { configShape } from "../../src/compose/define-config.ts";
import type { Shape } from "../../src/kernel/shape.ts";

/** The names of a shape's options: `bulk.fields`, and `fields.*.apiName` where any field has that. */
function optionsOf(shape: Shape, prefix = ""): string[] {
  const members =
    shape.kind === "FUNCTION_OR" ? shape.other.members : (shape as { members?: object }).members;
  return Object.entries((members ?? {}) as Record<string, Shape>).flatMap(([name, member]) => {
    const path = `${prefix}${name}`;
    if (member.kind === "MEMBERS") {
      return optionsOf(member, `${path}.`);
    }
    const each = member.kind === "MAP" ? member.of("any") : undefined;
    return each?.kind === "MEMBERS" ? optionsOf(each, `${path}.*.`) : [path];
  });
}

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

const { members } = configShape({ relationMode: "foreignKeys", models: {}, enums: {} });
const each = (name: string): Shape | undefined =>
  members[name]?.kind === "MAP" ? members[name].of("any") : undefined;
const model = each("models");
const enumeration = each("enums");
const task = members["tasks"]?.kind === "LIST" ? members["tasks"].of : undefined;
const schedule = members["schedules"]?.kind === "LIST" ? members["schedules"].of : undefined;

test.each([
  ["All of it", Object.keys(members)],
  ["Models", model === undefined ? [] : optionsOf(model)],
  ["Enums", enumeration === undefined ? [] : optionsOf(enumeration)],
  ["Tasks", task === undefined ? [] : optionsOf(task)],
  ["Schedules", schedule === undefined ? [] : optionsOf(schedule)],
  ["Hooks", members["hooks"] === undefined ? [] : optionsOf(members["hooks"])],
  ["Seed", members["seed"] === undefined ? [] : optionsOf(members["seed"], "seed.")],
])("docs/config.md has every option of: %s", async (section, options) => {
  const text = await readFile("docs/config.md", "utf8");
  expect(options.length).toBeGreaterThan(0);
  expect(documentedIn(text, section).toSorted()).toEqual(options.toSorted());
});

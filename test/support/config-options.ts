import { configShape } from "../../src/compose/define-config.ts";
import type { Shape } from "../../src/kernel/shape.ts";

/** The names of a shape's options: `bulk.chunkRecords`, and `fields.*.apiName` where any field has that. */
function optionsOf(shape: Shape | undefined, prefix = ""): string[] {
  return Object.entries(membersOf(shape)).flatMap(([name, member]) => {
    const path = `${prefix}${name}`;
    if (Object.keys(membersOf(member)).length > 0) {
      return optionsOf(member, `${path}.`);
    }
    const each = member.kind === "MAP" ? member.of("any") : undefined;
    return each?.kind === "MEMBERS" ? optionsOf(each, `${path}.*.`) : [path];
  });
}

function membersOf(shape: Shape | undefined): Readonly<Record<string, Shape>> {
  return shape?.kind === "FUNCTION_OR" || shape?.kind === "FLAG_OR"
    ? membersOf(shape.other)
    : shape?.kind === "MEMBERS"
      ? shape.members
      : {};
}

const { members } = configShape({ relationMode: "foreignKeys", models: {}, enums: {} });

/** The options of a config by its member, and those of each thing that a member lists. */
export const CONFIG_OPTIONS = {
  all: Object.keys(members),
  models: optionsOf(eachOf(members["models"])),
  enums: optionsOf(eachOf(members["enums"])),
  tasks: optionsOf(eachOf(members["tasks"])),
  schedules: optionsOf(eachOf(members["schedules"])),
  auth: optionsOf(members["auth"]),
  hooks: optionsOf(members["hooks"]),
  notify: optionsOf(members["notify"]),
  seed: optionsOf(members["seed"], "seed."),
} as const;

function eachOf(shape: Shape | undefined): Shape | undefined {
  return shape?.kind === "MAP" ? shape.of("any") : shape?.kind === "LIST" ? shape.of : undefined;
}

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { printType } from "graphql";
import { describe, expect, it, test } from "vitest";
import { z } from "zod";

import { defineTask } from "../../../../src/core/tasks/define-task.ts";
import type { InputValue } from "../../../../src/graphql/tasks/plan-input.ts";
import { launchableTask } from "../../../../src/graphql/tasks/launchable-task.ts";
import { schemaOfTasks } from "./own-task-schema.ts";

const taskOf = (input?: StandardSchemaV1) =>
  defineTask({
    kind: "rebuild",
    ...(input === undefined ? {} : { input }),
    run: () => Promise.resolve(null),
  });

/** How the API takes one value of a schema. */
function valueOf(input: StandardSchemaV1): InputValue {
  const { input: planned } = launchableTask(taskOf(input));
  if (planned.kind === "NONE") {
    throw new TypeError("it takes no input");
  }
  return planned.plan.root;
}

/** The schema's own types and its mutation, without descriptions. */
function printed(input?: StandardSchemaV1): string {
  const schema = schemaOfTasks([taskOf(input)]);
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => name.startsWith("Rebuild"));
  const mutation = schema.getMutationType()?.getFields()["launchRebuild"];
  const args = (mutation?.args ?? []).map(({ name, type }) => `${name}: ${String(type)}`);
  const texts = types.map((type) => printType(type).replaceAll(/^ *"""[\s\S]*?"""\n/gm, ""));
  return [`launchRebuild(${args.join(", ")})`, ...texts].join("\n").replaceAll(/\n\s*\n/g, "\n");
}

test("an object is an input type, with enums, nested types, lists, nulls and defaults", () => {
  const range = z.object({ from: z.iso.datetime(), to: z.iso.datetime().optional() });
  const input = z.object({
    code: z.string().length(2),
    mode: z.enum(["FAST", "full"]).default("FAST"),
    limit: z.int().min(0).max(1000).default(10),
    ratio: z.number().nullable(),
    isForced: z.boolean().nullable().default(null),
    ranges: z.array(range),
    tags: z.array(z.string().nullable()).default(["a"]).describe("Free words"),
    grid: z.array(z.array(z.int32())).optional(),
  });
  expect(printed(input)).toBe(`launchRebuild(input: RebuildInput!, options: LaunchOptions)
enum RebuildInputMode {
  FAST
  full
}
input RebuildInput {
  code: String!
  mode: RebuildInputMode! = FAST
  limit: Int! = 10
  ratio: Float
  isForced: Boolean = null
  ranges: [RebuildInputRanges!]!
  tags: [String]! = ["a"]
  grid: [[Int!]!]
}
input RebuildInputRanges {
  from: DateTime!
  to: DateTime
}`);
});

test("a named part has one type, wherever it stands, and a type may hold itself", () => {
  const Place = z.object({
    name: z.string(),
    get parts() {
      return z.array(Place);
    },
    get parent() {
      return Place.nullable();
    },
  });
  const Money = z.object({ cents: z.int32() }).meta({ id: "money", description: "An amount." });
  expect(printed(z.object({ place: Place, price: Money, tax: Money.optional() })))
    .toBe(`launchRebuild(input: RebuildInput!, options: LaunchOptions)
input RebuildInput {
  place: RebuildInputPlace!
  price: RebuildInputMoney!
  tax: RebuildInputMoney
}
input RebuildInputPlace {
  name: String!
  parts: [RebuildInputPlace]!
  parent: RebuildInputPlace
}
input RebuildInputMoney {
  cents: Int!
}`);
});

describe("a task without input", () => {
  it.each([
    ["no schema", undefined],
    ["an object without members", z.object({})],
  ])("has no argument for it: %s", (_words, input) => {
    expect(printed(input)).toBe("launchRebuild(options: LaunchOptions)");
  });
});

test("an input that is no object is the argument itself", () => {
  expect(printed(z.array(z.enum(["A", "B"])))).toBe(
    "launchRebuild(input: [RebuildInput!]!, options: LaunchOptions)\nenum RebuildInput {\n  A\n  B\n}",
  );
  expect(printed(z.string().nullable())).toBe("launchRebuild(input: String, options: LaunchOptions)");
});

describe("whole numbers", () => {
  it.each([
    ["Int", z.int32(), "-2147483648 to 2147483647."],
    ["Int", z.int().positive().lt(100), "More than 0, less than 100."],
    ["Int", z.int().min(1).max(1), "Exactly 1."],
    ["Int", z.literal([1, 2]), "One of 1, 2."],
    ["Float", z.int(), "A whole number."],
    ["Float", z.int().min(0), "A whole number, at least 0."],
  ])("are %s where the bounds say so", (name, schema, description) => {
    expect(valueOf(schema)).toEqual({ type: { kind: "SCALAR", name }, isNullable: false, description });
  });
});

describe("texts", () => {
  it.each([
    ["String", z.string().min(2).max(5).describe("A code"), "A code. 2 to 5 characters."],
    ["String", z.uuid(), "In the format uuid."],
    ["String", z.enum(["a-b", "true"]), 'One of "a-b", "true".'],
    ["DateTime", z.iso.datetime(), ""],
    ["DateTime", z.iso.datetime({ offset: true }), ""],
    // It refuses what DateTime hands on.
    ["String", z.iso.datetime({ precision: 0 }), "In the format date-time."],
  ])("are %s, with what the schema demands of them in words", (name, schema, description) => {
    expect(valueOf(schema)).toEqual({ type: { kind: "SCALAR", name }, isNullable: false, description });
  });
});

describe("what GraphQL cannot express is JSON, and says why", () => {
  it.each([
    ["no records with free keys", z.record(z.string(), z.int())],
    ["no records with free keys", z.looseObject({ a: z.string() })],
    ["no unions of inputs", z.union([z.string(), z.int()])],
    [
      "no unions of inputs",
      z.discriminatedUnion("t", [z.object({ t: z.literal("a") }), z.object({ t: z.literal("b") })]),
    ],
    ["no tuples", z.tuple([z.string(), z.int()])],
    ['no member of the name "first-name"', z.object({ "first-name": z.string() })],
    ['no member of the name "__proto"', z.object({ __proto: z.string() })],
    ['no type for "a", 1', z.literal(["a", 1])],
  ])("%s", (reason, schema) => {
    expect(valueOf(schema.describe("Its words"))).toEqual({
      type: { kind: "SCALAR", name: "JSON" },
      isNullable: false,
      description: `Its words. As JSON: GraphQL has ${reason}.`,
    });
  });

  it("for one member, and not for the others", () => {
    expect(
      printed(z.object({ at: z.date(), any: z.unknown(), empty: z.object({}), name: z.string() })),
    ).toContain("input RebuildInput {\n  at: JSON\n  any: JSON\n  empty: JSON!\n  name: String!\n}");
  });

  it("and has its default in words, since a schema cannot print it", () => {
    const input = z.object({ sizes: z.record(z.string(), z.int()).default({ a: 1 }) });
    const { input: planned } = launchableTask(taskOf(input));
    expect(planned).toMatchObject({
      plan: {
        types: [
          {
            members: {
              sizes: {
                isNullable: true,
                description: 'As JSON: GraphQL has no records with free keys. Default: {"a":1}.',
              },
            },
          },
        ],
      },
    });
  });

  it("for a schema of a library that does not tell its shape", () => {
    const foreign: StandardSchemaV1 = {
      "~standard": { version: 1, vendor: "acme", validate: (value) => ({ value }) },
    };
    expect(printed(foreign)).toBe("launchRebuild(input: JSON!, options: LaunchOptions)");
    expect(valueOf(foreign).description).toBe("As JSON: acme does not tell its shape.");
  });
});

import fc from "fast-check";
import type { GraphQLInputType, GraphQLSchema } from "graphql";
import {
  graphql,
  GraphQLNonNull,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  printSchema,
  validateSchema,
} from "graphql";
import { describe, expect, it, test } from "vitest";
import { z } from "zod";

import type { Json } from "../../../../src/kernel/json.ts";
import { defineTask } from "../../../../src/core/tasks/define-task.ts";
import { createLaunchSpy, schemaOfTasks } from "./own-task-schema.ts";

/** A schema, with values that it takes. */
interface Sample {
  readonly schema: z.ZodType;
  readonly values: fc.Arbitrary<Json>;
}

const sampleOf = (schema: z.ZodType, values: fc.Arbitrary<Json>): Sample => ({ schema, values });
const text = fc.string({ unit: "grapheme" });
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const moment = fc
  .date({ min: new Date("0001-01-01Z"), max: new Date("9999-12-31Z"), noInvalidDate: true })
  .map((date) => date.toISOString());

const leaves = fc.constantFrom(
  sampleOf(z.string(), text),
  sampleOf(z.int32(), fc.integer()),
  sampleOf(z.int(), fc.maxSafeInteger()),
  sampleOf(z.number(), finite),
  sampleOf(z.boolean(), fc.boolean()),
  sampleOf(z.enum(["A", "b", "C_1"]), fc.constantFrom("A", "b", "C_1")),
  sampleOf(z.enum(["a-b", "null"]), fc.constantFrom("a-b", "null")),
  sampleOf(z.iso.datetime(), moment),
  sampleOf(z.record(z.string(), z.int()), fc.dictionary(text, fc.integer(), { noNullPrototype: true })),
  sampleOf(z.union([z.int(), z.string()]), fc.oneof(fc.integer(), text)),
  sampleOf(z.tuple([z.int(), z.string()]), fc.tuple(fc.integer(), text)),
  sampleOf(z.literal([1, 2.5]), fc.constantFrom(1, 2.5)),
);

/** Nested samples. A member may be absent if its name ends with `_`. */
const { sample, object } = fc.letrec<{ sample: Sample; object: Sample }>((tie) => ({
  sample: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaves,
    tie("sample").map(({ schema, values }) => sampleOf(schema.nullable(), fc.option(values))),
    tie("sample").map(({ schema, values }) => sampleOf(z.array(schema), fc.array(values, { maxLength: 3 }))),
    tie("object"),
  ),
  object: fc
    .dictionary(fc.constantFrom("a", "b_", "aB", "a_", "aBC", "not-a-name"), tie("sample"), {
      noNullPrototype: true,
      maxKeys: 4,
    })
    .map((members) => {
      const entries = Object.entries(members);
      const shape = entries.map(([name, { schema }]) => [
        name,
        name.endsWith("_") ? schema.optional() : schema,
      ]);
      return sampleOf(
        z.object(Object.fromEntries(shape) as z.ZodRawShape),
        fc.record(Object.fromEntries(entries.map(([name, { values }]) => [name, values])), {
          requiredKeys: entries.map(([name]) => name).filter((name) => !name.endsWith("_")),
          noNullPrototype: true,
        }),
      );
    }),
}));

/** The API of one task with the schema's input, and what its launch was given. */
function api(input: z.ZodType): {
  readonly schema: GraphQLSchema;
  readonly type: GraphQLInputType | undefined;
  send(value: unknown): Promise<unknown>;
} {
  const { launch, input: lastInput } = createLaunchSpy();
  const task = defineTask({ kind: "rebuild", input, run: () => Promise.resolve(null) });
  const schema = schemaOfTasks([task], launch);
  const fields = schema.getMutationType()?.getFields() ?? {};
  const type = fields["launchRebuild"]?.args.find(({ name }) => name === "input")?.type;
  return {
    schema,
    type,
    async send(value) {
      const source = type
        ? `mutation ($input: ${String(type)}) { launchRebuild(input: $input) { __typename } }`
        : "mutation { launchRebuild { __typename } }";
      const answer = await graphql({
        schema,
        source,
        variableValues: type ? { input: value } : {},
        contextValue: { viewer: { id: null } },
      });
      expect(answer).toEqual({ data: { launchRebuild: { __typename: "UnavailableError" } } });
      return lastInput();
    },
  };
}

/** Values that the type of an input accepts, all members given. */
function acceptedBy(type: GraphQLInputType): fc.Arbitrary<Json> {
  if (!isNonNullType(type)) {
    return fc.option(acceptedBy(new GraphQLNonNull(type)));
  }
  const inner = type.ofType;
  if (isListType(inner)) {
    return fc.array(acceptedBy(inner.ofType), { maxLength: 3 });
  }
  if (isEnumType(inner)) {
    return fc.constantFrom(...inner.getValues().map(({ name }) => name));
  }
  if (isInputObjectType(inner)) {
    const members = Object.values(inner.getFields()).map((field) => [field.name, acceptedBy(field.type)]);
    return fc.record(Object.fromEntries(members) as Record<string, fc.Arbitrary<Json>>, {
      noNullPrototype: true,
    });
  }
  const scalars: Readonly<Record<string, fc.Arbitrary<Json>>> = {
    Boolean: fc.boolean(),
    DateTime: moment,
    Float: finite,
    Int: fc.integer(),
    JSON: (fc.jsonValue() as fc.Arbitrary<Json>).filter((value) => value !== null),
    String: text,
  };
  return scalars[inner.name] ?? fc.constant(null);
}

describe("the typed input of a launch", () => {
  it("takes every value that the definition's schema takes, and hands it on unchanged", async () => {
    await fc.assert(
      fc.asyncProperty(
        sample.chain(({ schema, values }) =>
          fc.tuple(fc.constant(schema), fc.array(values, { minLength: 1, maxLength: 3 })),
        ),
        async (...[[schema, values]]) => {
          const { send } = api(schema);
          for (const value of values) {
            expect(await send(value)).toEqual(value);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("hands on unchanged whatever else GraphQL lets through, for the schema to check", async () => {
    await fc.assert(
      fc.asyncProperty(object, fc.integer(), async ({ schema }, seed) => {
        const { type, send } = api(schema);
        const values = type === undefined ? [] : fc.sample(acceptedBy(type), { numRuns: 3, seed });
        for (const value of values) {
          expect(await send(value)).toEqual(value);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is a valid part of the schema, and can be printed", () => {
    fc.assert(
      fc.property(sample, ({ schema: input }) => {
        const { schema } = api(input);
        expect(validateSchema(schema)).toEqual([]);
        expect(printSchema(schema)).toContain("launchRebuild(");
      }),
      { numRuns: 60 },
    );
  });
});

test("defaults are filled in, and values may be written into the document", async () => {
  const { launch, input } = createLaunchSpy();
  const task = defineTask({
    kind: "rebuild",
    input: z.object({
      mode: z.enum(["FAST", "FULL"]).default("FAST"),
      range: z.object({ from: z.int32(), to: z.int32().default(9) }),
      tags: z.array(z.string()).default(["a"]),
    }),
    run: () => Promise.resolve(null),
  });
  await graphql({
    schema: schemaOfTasks([task], launch),
    source: "mutation { launchRebuild(input: {range: {from: 1}}) { __typename } }",
    contextValue: { viewer: { id: null } },
  });
  expect(input()).toEqual({ mode: "FAST", range: { from: 1, to: 9 }, tags: ["a"] });
});

describe("the names of a task", () => {
  const mutations = (kinds: readonly string[]) => {
    const input = z.object({ name: z.string() });
    const tasks = kinds.map((kind) => defineTask({ kind, input, run: () => Promise.resolve(null) }));
    const fields = schemaOfTasks(tasks).getMutationType()?.getFields() ?? {};
    return Object.values(fields)
      .filter(({ name }) => name.startsWith("launch"))
      .map(({ name, args: [input_] }) => `${name}(${String(input_?.type)})`);
  };

  it("are made of its kind", () => {
    expect(mutations(["rebuild", "sum-up", "2nd"])).toEqual([
      "launchRebuild(RebuildInput!)",
      "launchSumu2dup(Sumu2dupInput!)",
      "launchTask2nd(Task2ndInput!)",
    ]);
  });

  it("have Task behind the kind where a name is taken", () => {
    // A model has CityCreateInput, another task LaunchCopy's names.
    expect(mutations(["cityCreate", "copy", "Copy"])).toEqual([
      "launchCityCreateTask(CityCreateTaskInput!)",
      "launchCopy(CopyInput!)",
      "launchCopyTask(CopyTaskInput!)",
    ]);
  });
});

test("taskKinds lists the app's own kinds, then the bulk operations", async () => {
  const own = defineTask({
    kind: "rebuild",
    description: "Rebuilds all.",
    isDryRunnable: true,
    input: z.object({ name: z.string() }),
    run: () => Promise.resolve(null),
  });
  const plain = defineTask({ kind: "plain", run: () => Promise.resolve(null) });
  const { data } = await graphql({
    schema: schemaOfTasks([own, plain]),
    source: "{ taskKinds { name description isDryRunnable mutation inputSchema } }",
  });
  expect(data).toMatchObject({
    taskKinds: [
      {
        name: "rebuild",
        description: "Rebuilds all.",
        isDryRunnable: true,
        mutation: "launchRebuild",
        inputSchema: { type: "object", required: ["name"] },
      },
      { name: "plain", description: null, isDryRunnable: false, mutation: "launchPlain", inputSchema: null },
      { name: "bulkCreate", isDryRunnable: true, mutation: null },
      { name: "bulkUpdate" },
      { name: "bulkUpdateEach" },
      { name: "bulkUpsert" },
      { name: "bulkDelete" },
    ],
  });
});

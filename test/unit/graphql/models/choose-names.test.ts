import { describe, expect, it, test } from "vitest";
import { printedParts } from "../../../../src/compose/read-models.ts";
import type { Field, Model } from "../../../../src/core/records/model.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import { builtInNames } from "../../../../src/graphql/create-schema.ts";
import type { ChosenNames, NameOptions } from "../../../../src/graphql/models/choose-names.ts";
import { chooseNames } from "../../../../src/graphql/models/choose-names.ts";
import { enumeration, modelOf, scalar } from "../../../support/model-fixture.ts";

const OWN = builtInNames(printedParts());
const key = scalar("id", "Int", { isKey: true });

function modelWith(name: string, fields: readonly Field[] = []): Model {
  return modelOf(name, [key, ...fields]);
}

/** @param enums each is used by a model `User_of_enums`, and has the values */
function choose(
  models: readonly (string | Model)[],
  enums: Readonly<Record<string, readonly string[]>> = {},
  options: NameOptions = { models: {} },
): ChosenNames {
  const columns = Object.keys(enums).map((name) => enumeration(`a${name}`, name));
  const all = models.map((model) => (typeof model === "string" ? modelWith(model) : model));
  const registry = createModelRegistry(
    columns.length === 0 ? all : [...all, modelWith("UserOfEnums", columns)],
    Object.entries(enums).map(([name, values]) => ({ name, values })),
  );
  return chooseNames(registry, options, OWN);
}

const of = (chosen: ChosenNames, name: string) => chosen.names.of({ name });

test("what the API needs for itself is read from the schema, with inputs that a later model may need", () => {
  expect([...OWN.types]).toEqual(
    expect.arrayContaining([
      "Query",
      "Task",
      "TaskConnection",
      "HealthCheck",
      "SortOrder",
      "BytesListFilter",
      "ManyChange",
    ]),
  );
  expect([...OWN.queries]).toEqual(expect.arrayContaining(["health", "task", "tasks", "recordLocks"]));
  expect([...OWN.mutations]).toContain("cancelTask");
});

describe("a model keeps its name", () => {
  test("where nobody else has it", () => {
    const chosen = choose(["City"]);
    expect(of(chosen, "City")).toMatchObject({
      object: "City",
      connection: "CityConnection",
      staleError: "StaleCityError",
      one: "city",
      many: "cities",
      create: "createCity",
      bulkUpdateEach: "bulkUpdateEachCities",
    });
    expect(chosen.notices).toEqual([]);
  });

  test("although a mutation has it, since a model has none of its name", () => {
    expect(of(choose(["CancelTask"]), "CancelTask")).toMatchObject({
      object: "CancelTask",
      one: "cancelTask",
    });
  });
});

describe("a model gets Model behind its name", () => {
  test.each([
    "Subscription",
    "Task",
    "TaskEvent",
    "Health",
    "ConflictError",
    "HealthCheck",
    "Query",
    "Mutation",
    "QueryMode",
    "SortOrder",
    "IntFilter",
    "ManyChange",
    "String",
  ])("where the API needs %s", (name) => {
    const chosen = choose([name]);
    expect(of(chosen, name).object).toBe(`${name}Model`);
    expect(chosen.models.get(name).apiName).toBe(`${name}Model`);
    expect(chosen.notices).toEqual([
      `Model ${name} is called "${name}Model" in the API: "${name}" is taken (the API needs it for itself). The option apiName sets another name.`,
    ]);
    expect(chosen.problems).toEqual([]);
  });

  test("where the query of its name is taken: the type's name and the query's always agree", () => {
    expect(of(choose(["health"]), "health")).toMatchObject({ object: "healthModel", one: "healthModel" });
    expect(of(choose(["tasks"]), "tasks")).toMatchObject({ object: "tasksModel", many: "tasksModels" });
    expect(of(choose(["RecordLocks"]), "RecordLocks").one).toBe("recordLocksModel");
  });

  test("and a number, where that is a model, too", () => {
    const chosen = choose(["Task", "TaskModel"]);
    expect(of(chosen, "TaskModel").object).toBe("TaskModel");
    expect(of(chosen, "Task").object).toBe("TaskModel2");
  });

  test("where another's differs in the first letter's case alone: the query is the same", () => {
    const chosen = choose(["user", "User"]);
    expect(of(chosen, "User")).toMatchObject({ object: "User", one: "user", many: "users" });
    expect(of(chosen, "user")).toMatchObject({ object: "userModel", one: "userModel", many: "userModels" });
  });
});

describe("a plural that is taken becomes the singular with All", () => {
  test.each([
    ["Person", "People", "personAll", "peopleAll"],
    ["Status", "Statuses", "statusAll", "statusesAll"],
    ["City", "EachCity", "cities", "eachCityAll"],
  ])("%s and %s", (name, other, many, otherMany) => {
    const chosen = choose([name, other]);
    expect(of(chosen, name).many).toBe(many);
    expect(of(chosen, other).many).toBe(otherMany);
  });
});

describe("a type that is made for a model", () => {
  test("leaves its name to the model that is called so", () => {
    const chosen = choose(["Image", "ImageConnection", "User", "UserSelection"]);
    expect(of(chosen, "ImageConnection").object).toBe("ImageConnection");
    expect(of(chosen, "Image")).toMatchObject({
      object: "Image",
      connection: "ImageModelConnection",
      edge: "ImageEdge",
    });
    expect(of(chosen, "User").selection).toBe("UserModelSelection");
    expect(chosen.notices).toContain(
      'Model Image has the type "ImageModelConnection" instead of "ImageConnection", which is taken (it is the name of the model ImageConnection). The option apiName sets another name.',
    );
  });

  test("leaves its name to one of a model with a shorter name", () => {
    const chosen = choose(["CityBulk", "City"]);
    expect(of(chosen, "City").bulkUpdateInput).toBe("CityBulkUpdateInput");
    expect(of(chosen, "CityBulk").updateInput).toBe("CityBulkModelUpdateInput");
  });
});

test("enums, their values and fields get names of their own, too", () => {
  const fields = ["NOT", "AND", "OR", "activeTask", "número", "名"].map((name) => scalar(name, "String"));
  const chosen = choose([modelWith("Words", fields)], { SortOrder: ["UP", "true", "null"], Words_: ["A"] });
  expect(chosen.names.enum("SortOrder")).toMatchObject({
    enum: "SortOrderEnum",
    filter: "SortOrderEnumFilter",
    values: { UP: "UP", true_: "true", null_: "null" },
  });
  expect(chosen.models.get("Words").fields.map(({ apiName }) => apiName)).toEqual([
    "id",
    "NOT_",
    "AND_",
    "OR_",
    "activeTask_",
    "numero",
    "u540d",
  ]);
  expect(chosen.notices).toHaveLength(9);
});

describe("the config", () => {
  test("sets names", () => {
    const chosen = choose(
      ["Subscription", modelWith("Words", [scalar("NOT", "String")])],
      { SortOrder: ["true"] },
      {
        models: {
          Subscription: { apiName: "BillingSubscription", plural: "billing" },
          Words: { fields: { NOT: { apiName: "not" } } },
        },
        // option: enums.apiName
        enums: { SortOrder: { apiName: "Direction", values: { true: "yes" } } },
      },
    );
    expect(of(chosen, "Subscription")).toMatchObject({
      object: "BillingSubscription",
      one: "billingSubscription",
      many: "billing",
      where: "BillingSubscriptionWhere",
    });
    expect(chosen.names.enum("SortOrder")).toMatchObject({ enum: "Direction", values: { yes: "true" } });
    expect(chosen.models.get("Words").fields.map(({ apiName }) => apiName)).toEqual(["id", "not"]);
    expect(chosen).toMatchObject({ notices: [], problems: [] });
  });

  test("is told all names that it cannot set, at once", () => {
    const { problems } = choose(
      ["A", "B", "C", modelWith("D", [scalar("x", "Int"), scalar("y", "Int")])],
      { E: ["ON", "OFF"] },
      {
        models: {
          A: { apiName: "Task", plural: "tasks" },
          B: { apiName: "C" },
          C: { plural: "c d" },
          D: { apiName: "__D", fields: { x: { apiName: "y" }, y: { apiName: "AND" } } },
        },
        enums: { E: { apiName: "D", values: { ON: "OFF", OFF: "null" } } },
      },
    );
    expect(problems).toEqual([
      'Model A: apiName cannot be "Task": the API needs it for itself. Choose another name.',
      'Model B: apiName cannot be "C": it is the name of the model C. Choose another name.',
      'Model D: apiName cannot be "__D": a name has letters A to Z, digits and _, and does not begin with a digit or with __. Choose another name.',
      'Model A: plural cannot be "tasks": the API needs it for itself. Choose another name.',
      'Model C: plural cannot be "c d": a name has letters A to Z, digits and _, and does not begin with a digit or with __. Choose another name.',
      'Value E.OFF: apiName cannot be "null": the API needs it for itself. Choose another name.',
      'Field D.y: apiName cannot be "AND": the API needs it for itself. Choose another name.',
    ]);
  });
});

/** Words that make clashes likely. */
const STEMS = [
  "City",
  "Task",
  "Image",
  "Person",
  "People",
  "Status",
  "Statuses",
  "Int",
  "Stale",
  "Create",
  "EachCity",
  "user",
  "User",
  "Query",
  "Ño",
];
const ENDS = [
  "",
  "",
  "Connection",
  "Where",
  "Bulk",
  "Selection",
  "Model",
  "Model2",
  "Error",
  "Filter",
  "Payload",
  "Each",
  "All",
  "s",
  "Enum",
  "RelationFilter",
  "Nullable",
];

function randomName(random: () => number): string {
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? "";
  return `${pick(STEMS)}${pick(ENDS)}${random() < 0.3 ? pick(ENDS) : ""}`;
}

/** Park and Miller's generator. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

it("gives no two types and no two root fields one name, whatever the schema, and in any order the same", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = randomFrom(seed);
    const names = [...new Set(Array.from({ length: 12 }, () => randomName(random)))];
    const models = names.slice(0, 8);
    const enums = Object.fromEntries(names.slice(8).map((name) => [name, ["A"]]));
    const chosen = choose(models, enums);
    const all = [...models, ...(names.length > 8 ? ["UserOfEnums"] : [])].map((name) => of(chosen, name));
    const types = [
      ...all.flatMap(({ one: _one, many: _many, compoundKeys, nested, ...rest }) => [
        ...Object.values(compoundKeys),
        ...Object.values(nested).flatMap((inputs) => Object.values(inputs)),
        ...Object.entries(rest).flatMap(([what, name]) =>
          /^(?:create|update|upsert|delete|bulk\w*)$/.test(what) && what !== "bulkUpdateInput" ? [] : [name],
        ),
      ]),
      ...Object.keys(enums).flatMap((name) => {
        const { values: _values, ...rest } = chosen.names.enum(name);
        return Object.values(rest);
      }),
    ];
    const queries = all.flatMap(({ one, many }) => [one, many]);
    const mutations = all.flatMap((one) => [
      one.create,
      one.update,
      one.upsert,
      one.delete,
      one.bulkCreate,
      one.bulkUpdate,
      one.bulkUpdateEach,
      one.bulkUpsert,
      one.bulkDelete,
    ]);
    for (const [made, own] of [
      [types, OWN.types],
      [queries, OWN.queries],
      [mutations, OWN.mutations],
    ] as const) {
      expect(
        made.filter((name, at) => made.indexOf(name) !== at),
        `seed ${seed}: ${names.join()}`,
      ).toEqual([]);
      expect(
        made.filter((name) => own.has(name)),
        `seed ${seed}`,
      ).toEqual([]);
    }
    const reversed = choose(models.toReversed(), Object.fromEntries(Object.entries(enums).toReversed()));
    expect(models.map((name) => of(reversed, name))).toEqual(models.map((name) => of(chosen, name)));
    expect(chosen.problems).toEqual([]);
  }
});

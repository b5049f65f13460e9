import { describe, expect, test } from "vitest";
import type { Model } from "../../../../src/core/records/model.ts";
import { columnsOf } from "../../../../src/core/records/model.ts";
import { describeServing, operationProblems, serveModel } from "../../../../src/core/records/serve-model.ts";
import { enumeration, modelOf, scalar } from "../../../support/model-fixture.ts";

const FIELDS = [
  scalar("id", "Int"),
  scalar("rate", "Float"),
  scalar("email", "String"),
  scalar("note", "String", { isNullable: true }),
  scalar("touched", "DateTime", { isUpdatedAt: true }),
  enumeration("grade", "Grade", { labels: { LOW: "low grade" } }),
  enumeration("mood", "Mood"),
];

function serve(keys: {
  readonly primaryKey?: readonly string[];
  readonly uniques?: readonly (readonly string[])[];
  readonly more?: Partial<Model>;
}): Model {
  const plain = modelOf("Row", FIELDS);
  const columns = columnsOf(plain);
  const { primaryKey = [], uniques = [], more = {} } = keys;
  return serveModel(
    {
      ...plain,
      primaryKey,
      uniques: uniques.map((names) => ({
        name: names.join("_"),
        fields: columns.filter(({ name }) => names.includes(name)),
      })),
      ...more,
    },
    [{ name: "Mood", values: ["GRIM"] }],
  );
}

const namesOf = ({ key }: Model): readonly string[] => key.map(({ name }) => name);

describe("ids", () => {
  test.each([
    ["the primary key", { primaryKey: ["email"], uniques: [["id"]] }, ["email"]],
    ["a key of several columns, in its own order", { primaryKey: ["email", "id"] }, ["email", "id"]],
    [
      "the first unique key that is never null",
      { uniques: [["note"], ["id", "note"], ["email"], ["id"]] },
      ["email"],
    ],
    [
      "another key than one of an unfit type",
      { primaryKey: ["rate"], uniques: [["grade"], ["touched"], ["mood"]] },
      ["mood"],
    ],
  ])("are made of %s", (_what, keys, expected) => {
    const model = serve(keys);
    expect(namesOf(model)).toEqual(expected);
    expect(
      columnsOf(model)
        .filter(({ isKey }) => isKey)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(expected.toSorted());
    expect(model.readOnlyReason).toBeUndefined();
  });

  test.each([
    [{ primaryKey: ["rate"] }, "its key rate is of the type Float, which has no ids"],
    [
      { primaryKey: ["grade"], uniques: [["rate"]] },
      "its key grade is of the enum Grade, whose values have other names",
    ],
    [{ primaryKey: ["touched"] }, "its key touched is @updatedAt"],
    [{ primaryKey: ["gone"] }, "its key has a column that Prisma's client cannot read"],
    [{ uniques: [["note"]] }, "it has no key"],
    [{ primaryKey: ["id"], more: { isView: true } }, "it is a view"],
  ])("are missing with %j, and the reason is told", (keys, reason) => {
    const model = serve(keys);
    expect(namesOf(model)).toEqual([]);
    expect(model.readOnlyReason).toContain(reason);
    expect(operationProblems(model, "DELETE")).toMatchObject([
      { message: expect.stringContaining(`Records of Row cannot be written: ${reason}`) },
    ]);
  });
});

describe("a column id", () => {
  test("keeps its name where it is the whole key, and has another one that is free elsewhere", () => {
    const apiNameIn = ({ fields }: Model): unknown => fields.find(({ name }) => name === "id")?.apiName;
    expect(apiNameIn(serve({ primaryKey: ["id"] }))).toBe("id");
    expect(apiNameIn(serve({ primaryKey: ["id", "email"] }))).toBe("id_");
    expect(apiNameIn(serve({ primaryKey: ["email"] }))).toBe("id_");
    const taken = { primaryKey: ["email"], more: { fields: [...FIELDS, scalar("id_", "Int")] } };
    expect(apiNameIn(serve(taken))).toBe("id__");
  });
});

test("what is left out is told in a line each", () => {
  const token = { ...serve({ uniques: [["email"]] }), name: "Token" };
  const place = { ...serve({ primaryKey: ["id"], more: { unwritable: ["spot"] } }), name: "Place" };
  const stat = { ...serve({ more: { isView: true } }), name: "Stat" };
  expect(describeServing([token, place, stat, serve({ primaryKey: ["id"] })])).toEqual([
    "Ids are made of a unique key instead of @id: Token (email).",
    "Read-only lists, without ids, mutations and locks: Stat (it is a view).",
    "No create and no upsert: Place (spot must have a value, which Prisma's client cannot write).",
    "The column id has another name, since id is the record's id: Token (id_), Stat (id_).",
  ]);
  expect(operationProblems(place, "UPSERT")).toHaveLength(1);
  const secret = scalar("secret", "String", { switches: { isExposed: false } });
  const user = serve({ primaryKey: ["id"], more: { fields: [...FIELDS, secret] } });
  expect(describeServing([user])).toEqual([
    `No create and no upsert: ${user.name} (callers cannot set secret; hooks.beforeCreate or a default can).`,
  ]);
  expect(JSON.stringify(operationProblems(user, "CREATE"))).not.toContain("secret");
  expect(operationProblems(place, "UPDATE_EACH")).toEqual([]);
});

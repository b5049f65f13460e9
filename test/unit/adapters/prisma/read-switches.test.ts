import { describe, expect, it } from "vitest";
import { readModelRegistry } from "../../../../src/adapters/prisma/read-model-registry.ts";
import type {
  ColumnDescription,
  RelationDescription,
  SchemaDescription,
} from "../../../../src/adapters/prisma/schema-description.ts";
import type { ModelOptionsMap } from "../../../../src/core/records/model-options.ts";
import type { Field, ModelRegistry } from "../../../../src/core/records/model.ts";
import { isCreatable } from "../../../../src/core/records/writable-fields.ts";

function column(name: string, documentation?: string): ColumnDescription {
  return {
    name,
    kind: "scalar",
    type: "String",
    column: name,
    isList: false,
    isRequired: true,
    hasDefault: false,
    isUpdatedAt: false,
    ...(documentation === undefined ? {} : { documentation }),
  };
}

const POSTS: RelationDescription = {
  name: "posts",
  kind: "relation",
  type: "Post",
  isList: true,
  isRequired: true,
  relationName: "written",
  foreignKey: [],
  references: [],
};

/** Users with a password, and posts; comments as given. */
function schemaWith({ model, password, post }: Readonly<Record<string, string>> = {}): SchemaDescription {
  const table = { isView: false, primaryKey: ["id"], uniques: [], unwritable: [] };
  const author = { ...POSTS, name: "author", type: "User", isList: false };
  return {
    relationMode: "foreignKeys",
    models: {
      User: {
        ...table,
        table: "user",
        ...(model === undefined ? {} : { documentation: model }),
        uniques: [{ fields: ["password"] }],
        fields: [column("id"), column("password", password), POSTS],
      },
      Post: {
        ...table,
        table: "post",
        ...(post === undefined ? {} : { documentation: post }),
        fields: [
          column("id"),
          column("authorId"),
          { ...author, foreignKey: ["authorId"], references: ["id"] },
        ],
      },
    },
    enums: {},
  };
}

function fieldOf(models: ModelRegistry, model: string, name: string): Field | undefined {
  return models.get(model).fields.find((field) => field.name === name);
}

const HIDE = "@powercrud(isExposed: false)";

describe("the switches of a schema's fields", () => {
  it("come from annotations, which are no part of the descriptions", () => {
    const models = readModelRegistry(schemaWith({ model: "Who writes.", password: `The hash. ${HIDE}` }), {});
    expect(fieldOf(models, "User", "password")).toMatchObject({
      documentation: "The hash.",
      switches: { isExposed: false },
    });
    expect(models.get("User").documentation).toBe("Who writes.");
    expect(models.get("User").uniques[0]?.fields[0]?.switches).toEqual({ isExposed: false });
    expect(fieldOf(models, "User", "id")?.switches).toBeUndefined();
  });

  it("come from the config first, switch by switch", () => {
    const password = "@powercrud(isExposed: false, isReadOnly: true)";
    const models = readModelRegistry(schemaWith({ password }), {
      User: { fields: { password: { isExposed: true, isSortable: false } } },
    });
    expect(fieldOf(models, "User", "password")?.switches).toEqual({
      isExposed: true,
      isReadOnly: true,
      isSortable: false,
    });
  });

  it("hide a model with the relations to it, unless the config shows it", () => {
    const hidden = readModelRegistry(schemaWith({ post: HIDE }), {});
    expect(hidden.all().map(({ name }) => name)).toEqual(["User"]);
    expect(fieldOf(hidden, "User", "posts")).toBeUndefined();
    const shown = readModelRegistry(schemaWith({ post: HIDE }), { Post: { isExposed: true } });
    expect(shown.all().map(({ name }) => name)).toEqual(["User", "Post"]);
  });

  it("leave a model its creates where the app's code sets what callers may not", () => {
    const creatable = (options: ModelOptionsMap): boolean =>
      isCreatable(readModelRegistry(schemaWith({ password: HIDE }), options).get("User"));
    expect(creatable({})).toBe(false);
    expect(creatable({ User: { hooks: { afterCreate: () => {} } } })).toBe(false);
    expect(creatable({ User: { hooks: { beforeCreate: () => {} } } })).toBe(true);
    expect(creatable({ User: { persist: () => {} } })).toBe(true);
  });

  it("are all refused together where they are wrong", () => {
    const read = (): unknown =>
      readModelRegistry(
        schemaWith({ model: "@powercrud(isReadOnly: true)", password: "@powercrud(isExposd: false)" }),
        {},
      );
    expect(read).toThrow(
      [
        'User: "@powercrud(isReadOnly: true)" has no member "isReadOnly" here. Known: isExposed.',
        'User.password: "@powercrud(isExposd: false)" has no member "isExposd" here. Did you mean "isExposed"?',
      ].join("\n"),
    );
  });

  it("let another unique key make the ids where the key is hidden, and cannot hide the only one", () => {
    const hidden = { fields: { id: { isExposed: false } } };
    expect(
      readModelRegistry(schemaWith(), { User: hidden })
        .get("User")
        .key.map(({ name }) => name),
    ).toEqual(["password"]);
    expect(() => readModelRegistry(schemaWith({ password: HIDE }), { User: hidden, Post: hidden })).toThrow(
      [
        "User.id cannot be hidden: the API makes ids of it, and the model has no other unique key for them. Hide the model, or show the field.",
        "Post.id cannot be hidden: the API makes ids of it, and the model has no other unique key for them. Hide the model, or show the field.",
      ].join("\n"),
    );
  });
});

import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { SchemaDescription } from "../../src/adapters/prisma/schema-description.ts";
import { readModelRegistry } from "../../src/adapters/prisma/read-model-registry.ts";
import { schemaOf } from "../../src/compose/define-config.ts";
import { generateFixture } from "./models/generate-fixture.ts";

let generated: Awaited<ReturnType<typeof generateFixture>>;
let schema: SchemaDescription;

beforeAll(async () => {
  generated = await generateFixture(join(import.meta.dirname, "models/split-schema"));
  schema = schemaOf({ generated });
});

describe("the generated module of a schema in several files", () => {
  test("has all models but ignored ones, with tables, schemas and keys", () => {
    const { models } = schema;
    expect(Object.keys(models).toSorted()).toEqual(["Crowd", "Person", "Session", "Team"]);
    expect(models["Person"]).toMatchObject({
      table: "person",
      schema: "store",
      isView: false,
      documentation: "Somebody.",
      primaryKey: ["id"],
      uniques: [
        { fields: ["email"] },
        { fields: ["teamId", "slug"] },
        { name: "feeling", fields: ["slug", "mood"] },
      ],
      unwritable: ["place", "secret"],
    });
    expect(models["Session"]).toMatchObject({
      table: "Session",
      primaryKey: ["row", "letter"],
      primaryKeyName: "place",
      uniques: [{ fields: ["letter"] }],
      unwritable: [],
    });
    expect(models["Crowd"]).toMatchObject({ isView: true, primaryKey: [], uniques: [{ fields: ["id"] }] });
  });

  test("has the fields that Prisma's client knows", () => {
    const fields = new Map(schema.models["Person"]?.fields.map((field) => [field.name, field]));
    expect([...fields.keys()]).toEqual([
      "id",
      "email",
      "mood",
      "token",
      "teamId",
      "slug",
      "team",
      "bossId",
      "boss",
      "staff",
      "friends",
      "friendOf",
    ]);
    expect(fields.get("email")).toEqual({
      name: "email",
      kind: "scalar",
      type: "String",
      column: "e-mail",
      isList: false,
      isRequired: true,
      hasDefault: false,
      isUpdatedAt: false,
      nativeType: "VarChar(200)",
      documentation: "Where letters go.",
    });
    expect(fields.get("token")).toMatchObject({ defaultCall: "uuid(7)", nativeType: "Uuid" });
    expect(fields.get("mood")).toMatchObject({ kind: "enum", type: "Mood", hasDefault: true });
    expect(fields.get("boss")).toMatchObject({
      kind: "relation",
      type: "Person",
      relationName: "boss",
      foreignKey: ["bossId"],
      references: ["id"],
      onDelete: "Restrict",
      onUpdate: "Restrict",
    });
    expect(schema.models["Team"]?.fields[1]).toMatchObject({ defaultCall: `dbgenerated("'a'::text")` });
  });

  test("has enums and the relation mode", () => {
    expect(schema.relationMode).toBe("prisma");
    expect(schema.enums).toEqual({
      Mood: {
        values: [{ name: "GRIM", label: "very grim" }, { name: "GAY" }],
        schema: "store",
        documentation: "How someone feels.",
      },
    });
  });

  test("becomes models that know their unique keys and referential actions", () => {
    const models = readModelRegistry(schema, { Crowd: { isExposed: false } });
    expect(models.emulatedKeys).toContainEqual(expect.objectContaining({ onDelete: "Cascade" }));
    const person = models.get("Person");
    expect(person.uniques.map(({ name, fields }) => [name, fields.map((field) => field.name)])).toEqual([
      ["email", ["email"]],
      ["teamId_slug", ["teamId", "slug"]],
      ["feeling", ["slug", "mood"]],
    ]);
    const actions = person.fields.flatMap((field) =>
      field.kind === "relation" ? [[field.name, field.onDelete, field.onUpdate]] : [],
    );
    expect(actions).toEqual([
      ["team", "SetNull", "Cascade"],
      ["boss", "Restrict", "Restrict"],
      ["staff", undefined, undefined],
      ["friends", undefined, undefined],
      ["friendOf", undefined, undefined],
    ]);
  });
});

import { describe, expect, it } from "vitest";
import { readSchemaText } from "../../../../src/adapters/prisma/read-schema-text.ts";

const text = readSchemaText(`
/// model Trap { id String @default(cuid()) }
enum Mood {
  GRIM   @map("very \\"grim\\"") // GAY @map("no")
  GAY    /* @map("no") */
  TIRED  @map(name: "so } tired")
  @@map("the_mood")
}

model City {
  id      String   @id @default(uuid(7)) @map("x // y") @db.Uuid
  note    String   @default("uuid() { } // no")
  short   String?  @default( nanoid( 5 ) , map: "short_default")
  made    DateTime @default(now()) // @default(ulid())
  raw     String   @default(dbgenerated("gen_random_uuid()"))
  mood    Mood     @default(GRIM)
  plain   Int
  words   String[] @default(["cuid()", "}"])

  @@unique([short, made], map: "@default(cuid())")
}

model Town {
  id String @id @default(cuid())
  cityShort String?
  cityMade  DateTime?
  city City? @relation("in) [x]", fields: [cityShort, cityMade], references: [short, made], onDelete: SetNull)
  towns Town[] @relation("references: [id]")
}
`);

describe("the text of a schema", () => {
  it.each([
    ["City", "id", "uuid(7)"],
    ["City", "short", "nanoid(5)"],
    ["City", "made", "now()"],
    ["City", "note", undefined],
    ["City", "mood", undefined],
    ["City", "plain", undefined],
    ["City", "words", undefined],
    ["Town", "id", "cuid()"],
    ["Trap", "id", undefined],
    ["Nowhere", "id", undefined],
  ])("tells of %s.%s the call that makes its default: %s", (model, field, call) => {
    expect(text.defaultCall(model, field)).toBe(call);
  });

  it("returns the fields that a relation refers to", () => {
    expect(text.references("Town", "city")).toEqual(["short", "made"]);
    expect(text.references("Town", "towns")).toBeUndefined();
  });

  it("returns the database's names of enum values", () => {
    expect(text.labels("Mood")).toEqual({ GRIM: 'very "grim"', TIRED: "so } tired" });
    expect(text.labels("Other")).toEqual({});
  });

  it("returns nothing for an empty text", () => {
    expect(readSchemaText("").defaultCall("City", "id")).toBeUndefined();
  });
});

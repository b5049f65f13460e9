import { describe, expect, it } from "vitest";
import { readSchemaText } from "../../../src/generator/schema-text.ts";

const text = readSchemaText(`
/// model Trap { id Unsupported("point") }
datasource db {
  provider     = "postgresql"
  relationMode = "prisma" // relationMode = "foreignKeys"
  schemas      = ["first", "second"]
}

enum Mood {
  GRIM   @map("very \\"grim\\"")
  /* GAY @@schema("no") */
  TIRED  @map(name: "so } tired")
  @@map("the_mood")
  @@schema("first")
}

model City {
  id      String   @id @default(uuid(7)) @map("x // y") @db.Uuid
  note    String   @default("@ignore { } // no")
  place   Unsupported("geometry(Point, 4326)")
  area    Unsupported("polygon")?
  route   Unsupported("path")   @default(dbgenerated("'(0,0)'::path"))
  shapes  Unsupported("box")[]
  secret  String   @map("@ignore") /// @ignore
  hidden  String   @ignore
  made    DateTime @default(now()) @ignore
  spare   Int?     @ignore

  @@unique([id, hidden], map: "@ignore")
}

view Crowd {
  id    Int
  place Unsupported("point")
}
`);

describe("the text of a schema", () => {
  it("tells which columns a client must leave out, though the database wants them", () => {
    expect(text.unwritable("City")).toEqual(["place", "hidden"]);
    expect(text.unwritable("Crowd")).toEqual(["place"]);
    expect(text.unwritable("Trap")).toEqual([]);
  });

  it("tells views from models", () => {
    expect([...text.views]).toEqual(["Crowd"]);
  });

  it("tells who keeps references whole", () => {
    expect(text.relationMode).toBe("prisma");
    expect(readSchemaText('datasource db {\n  provider = "postgresql"\n}').relationMode).toBe("foreignKeys");
    expect(readSchemaText("").relationMode).toBe("foreignKeys");
  });

  it("returns the database schema of an enum", () => {
    expect(text.schemaOfEnum("Mood")).toBe("first");
    expect(text.schemaOfEnum("Other")).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";

import { addGenerators, readBlocks } from "../../../src/project/schema-blocks.ts";

const SCHEMA = `// generator old { provider = "none" }
generator client {
  provider = "prisma-client" // not "prisma-client-js" }
  output   = "../src/{generated}"
} // the client

/* model Gone {
} */
datasource db {
  provider = "postgresql"
  schemas  = ["public", "shop"]
}

model Brace {
  id   Int    @id
  text String @default("} generator fake {")
}
`;
const ADDED = [["generator powercrud {", '  provider = "powercrud-generator"', "}"]];

describe("the blocks of a Prisma schema file", () => {
  it("are found by keyword and name, also with brackets in texts and comments", () => {
    const blocks = readBlocks(SCHEMA);
    expect(blocks.map(({ keyword, name }) => `${keyword} ${name}`)).toEqual([
      "generator client",
      "datasource db",
      "model Brace",
    ]);
    expect(Object.fromEntries(blocks[0]?.settings ?? [])).toEqual({
      provider: "prisma-client",
      output: "../src/{generated}",
    });
    expect(blocks[1]?.settings.get("schemas")).toBe('["public", "shop"]');
    expect(readBlocks(SCHEMA.replaceAll("\n", "\r\n")).map(({ settings }) => [...settings])).toEqual(
      blocks.map(({ settings }) => [...settings]),
    );
  });
});

describe("adding a generator", () => {
  it("puts it behind the last one, and leaves every other byte", () => {
    const changed = addGenerators(SCHEMA, ADDED);
    expect(changed).toContain(
      '} // the client\n\ngenerator powercrud {\n  provider = "powercrud-generator"\n}\n\n/* model',
    );
    expect(changed.replace('\n\ngenerator powercrud {\n  provider = "powercrud-generator"\n}', "")).toBe(
      SCHEMA,
    );
  });

  it("keeps CRLF, a byte order mark, and a missing last line end", () => {
    const text = `\uFEFF${SCHEMA.replaceAll("\n", "\r\n").slice(0, -2)}`;
    const changed = addGenerators(text, ADDED);
    const block = '\r\n\r\ngenerator powercrud {\r\n  provider = "powercrud-generator"\r\n}';
    expect(changed).toContain(block);
    expect(changed.replace(block, "")).toBe(text);
  });

  it("puts it behind the datasource where there is no generator, and at the end where there is neither", () => {
    const datasource = 'datasource db {\n  provider = "postgresql"\n}';
    expect(addGenerators(datasource, ADDED)).toBe(
      `${datasource}\n\ngenerator powercrud {\n  provider = "powercrud-generator"\n}`,
    );
    expect(
      addGenerators("enum Mood {\n  GOOD\n}\n", [
        ["generator a {", "}"],
        ["generator b {", "}"],
      ]),
    ).toBe("enum Mood {\n  GOOD\n}\n\ngenerator a {\n}\n\ngenerator b {\n}\n");
  });
});

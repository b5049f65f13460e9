import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { expect, test } from "vitest";

import demoConfig from "../../powercrud.config.ts";
import { printPowerCrudSchema } from "../../src/compose/print-schema.ts";

test("schema.graphql is what the code prints; if not: npx powercrud print-schema > schema.graphql", async () => {
  const stored = await readFile(resolve(import.meta.dirname, "../../schema.graphql"), "utf8");
  const printed = printPowerCrudSchema(demoConfig);
  expect(printed).toContain("type Mutation");
  expect(stored.trim()).toBe(printed.trim());
});

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { expect, test } from "vitest";

import { projectVariables } from "../../../src/cli/cli-context.ts";
import { describeVariables } from "../../../src/config/variable.ts";

test("docs/configuration.md is fresh; if not: npx powercrud print-config-docs > docs/configuration.md", async () => {
  const stored = await readFile(resolve(import.meta.dirname, "../../../docs/configuration.md"), "utf8");
  const printed = describeVariables(await projectVariables());
  expect(printed).toContain("| `POWERCRUD_CHUNK_RECORDS` | 5000 |");
  expect(stored).toBe(printed);
});

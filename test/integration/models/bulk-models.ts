import { resolve } from "node:path";
import type { BulkFixture, BulkOverrides } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import { generateFixture } from "./generate-fixture.ts";

/**
 * A bulk fixture with the models of a Prisma schema in this folder.
 * @param sqlBefore SQL that their tables need
 */
export async function createBulkModels(
  schema: string,
  overrides: Omit<BulkOverrides, "generated"> = {},
  sqlBefore = "",
): Promise<BulkFixture> {
  const made = await generateFixture(resolve(import.meta.dirname, schema));
  return createBulkFixture({ ...overrides, generated: { ...made, sql: `${sqlBefore}${made.sql}` } });
}

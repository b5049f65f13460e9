import { expect, test } from "vitest";
import { openSchemaEngine } from "../../../src/adapters/prisma/schema-engine.ts";
import { manyModels } from "../../support/many-models.ts";
import { createTestDatabase } from "../../support/test-database.ts";

/** A query makes a module of its own, as a second installation of the package does. */
const COPY = "../../../src/adapters/prisma/schema-engine.ts?copy";

test("two copies of the package in one process migrate side by side", async () => {
  const datamodel = { path: "schema.prisma", content: manyModels(20) };
  const copy = (await import(COPY)) as { openSchemaEngine: typeof openSchemaEngine };
  const [here, there] = await Promise.all([
    createTestDatabase({ isEmpty: true }),
    createTestDatabase({ isEmpty: true }),
  ]);
  const options = { schema: "public", datamodels: [datamodel] };
  const first = await openSchemaEngine({ ...options, databaseUrl: here.url });
  const sql = await first.diffToDatamodels([datamodel]);
  const second = await copy.openSchemaEngine({ ...options, databaseUrl: there.url });
  try {
    expect(sql).toContain("CREATE TABLE");
    expect(await second.diffToDatamodels([datamodel])).toBe(sql);
    expect(await first.diffToDatamodels([datamodel])).toBe(sql);
  } finally {
    await Promise.all([first.close(), second.close()]);
    await Promise.all([here.drop(), there.drop()]);
  }
});

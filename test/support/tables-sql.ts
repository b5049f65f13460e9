import { openSchemaEngine } from "../../src/adapters/prisma/schema-engine.ts";
import { createTestDatabase } from "./test-database.ts";

/** The SQL that makes the tables of a Prisma schema. @param texts its files */
export async function tablesSql(texts: readonly string[]): Promise<string> {
  const database = await createTestDatabase({ isEmpty: true });
  const datamodel = { path: "schema.prisma", content: texts.join("\n") };
  const engine = await openSchemaEngine({
    databaseUrl: database.url,
    schema: "public",
    datamodels: [datamodel],
  });
  try {
    return (await engine.diffToDatamodels([datamodel])) ?? "";
  } finally {
    await engine.close();
    await database.drop();
  }
}

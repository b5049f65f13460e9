import { AppError } from "../kernel/app-error.ts";
import { listAppSchemas } from "../adapters/postgres/app-tables.ts";
import { schemaOfUrl } from "../adapters/postgres/connection/schema-of-url.ts";
import type { Datamodel } from "../adapters/prisma/schema-engine.ts";
import { openSchemaEngine } from "../adapters/prisma/schema-engine.ts";

/** A Prisma schema that was read from a database. */
export interface IntrospectedSchema {
  readonly file: Datamodel;
  /** What the Prisma schema cannot say of the database, for the user; empty if nothing. */
  readonly warnings: string;
}

/**
 * Writes the Prisma schema of a database as `prisma db pull` does: all tables of all schemas but the engine's. Changes
 * nothing.
 * @param path the file's path, for messages
 * @throws AppError START_FAILED for a database without tables
 */
export async function introspectDatabase(databaseUrl: string, path: string): Promise<IntrospectedSchema> {
  const start = { path, content: printDatasource() };
  const schema = schemaOfUrl(databaseUrl);
  const engine = await openSchemaEngine({
    databaseUrl,
    schema,
    isSchemaCreated: false,
    datamodels: [start],
  });
  try {
    const schemas = await listAppSchemas(engine.session);
    if (schemas.length === 0) {
      throw new AppError(
        "START_FAILED",
        "the database has no tables that a Prisma schema could be read from; write a Prisma schema first",
      );
    }
    const isDefault = schemas.length === 1 && schemas[0] === schema;
    const content = printDatasource(isDefault ? undefined : schemas);
    const { datamodels, warnings } = await engine.introspect(
      [{ path, content }],
      isDefault ? undefined : schemas,
    );
    return { file: { path, content: datamodels.map((file) => file.content).join("\n") }, warnings };
  } finally {
    await engine.close();
  }
}

/** A Prisma schema without models. One that lists PostgreSQL schemas wants `@@schema` in each model. */
function printDatasource(schemas?: readonly string[]): string {
  const lines = schemas === undefined ? [] : [`  schemas  = ${JSON.stringify(schemas)}`];
  return ["datasource db {", '  provider = "postgresql"', ...lines, "}", ""].join("\n");
}

import { schemaOfUrl } from "../adapters/postgres/connection/schema-of-url.ts";
import type { IndexProposal } from "../adapters/postgres/records/index-proposals.ts";
import { proposeIndexes } from "../adapters/postgres/records/index-proposals.ts";
import { createTableShapes } from "../adapters/postgres/records/table-shape.ts";
import type { Logger } from "../kernel/logger.ts";
import { withSession } from "./create-database.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { markNativeTypes } from "./mark-native-types.ts";
import { readModels } from "./read-models.ts";

/**
 * The indexes that the project's lists and searches would use, and that the database lacks. Changes nothing.
 * @param options.databaseUrl a database with the tables of the models
 * @throws AppError as a start would
 */
export async function findMissingIndexes(options: {
  readonly config: PowerCrudConfig;
  readonly databaseUrl: string;
  readonly logger: Logger;
}): Promise<readonly IndexProposal[]> {
  const { config, databaseUrl, logger } = options;
  const read = readModels(config, schemaOfUrl(databaseUrl));
  return withSession({ databaseUrl, applicationName: "powercrud migrate", logger }, async (session) => {
    const shapes = createTableShapes(session);
    const models = await markNativeTypes(read.models, shapes, read.problems);
    return proposeIndexes({ session, models, shapes });
  });
}

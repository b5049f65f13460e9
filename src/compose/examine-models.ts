import { proposeIndexes } from "../adapters/postgres/records/index-proposals.ts";
import { createTableShapes } from "../adapters/postgres/records/table-shape.ts";
import type { Examination, Finding } from "../core/health/health-check.ts";
import { refusedSchema } from "../core/records/refused-schema.ts";
import { describeServing } from "../core/records/serve-model.ts";
import { counted } from "../kernel/counted.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import { markNativeTypes } from "./mark-native-types.ts";
import { readModels } from "./read-models.ts";

/**
 * Whether the project's models can be served, and under which names, as a start would find.
 * @param database a migrated one, with the PostgreSQL schema of the models that name none; undefined where there is none:
 *   then only what is known without is examined
 */
export function examineModels(
  loadProject: () => Promise<PowerCrudConfig>,
  database: { readonly session: SqlSession; readonly defaultSchema: string } | undefined,
): Examination {
  return {
    name: "models",
    async examine(): Promise<Finding> {
      const { models, notices, problems } = readModels(await loadProject(), database?.defaultSchema);
      if (database === undefined && problems.length > 0) {
        throw refusedSchema(problems);
      }
      const shapes = database && createTableShapes(database.session);
      const served = shapes === undefined ? models : await markNativeTypes(models, shapes, problems);
      const lines = [
        ...notices,
        ...describeServing(served.all()),
        ...(database === undefined || shapes === undefined
          ? []
          : await describeIndexes({ session: database.session, models: served, shapes })),
      ];
      return {
        status: "OK",
        message: `${counted(served.all().length, "model")} can be served.`,
        ...(lines.length === 0 ? {} : { detail: lines.join("\n") }),
      };
    },
  };
}

/** What searches cannot find, and what reads more of a table than it needs. */
async function describeIndexes(ports: Parameters<typeof proposeIndexes>[0]): Promise<readonly string[]> {
  const isSearched = ports.models.all().some(({ search }) => search !== undefined);
  const hasTrigrams = !isSearched || (await ports.shapes.textTools()).trigrams !== undefined;
  const proposals = await proposeIndexes(ports);
  return [
    ...(hasTrigrams
      ? []
      : [
          "Searches find no words with a wrong letter: the database lacks the extension pg_trgm. Run: CREATE EXTENSION pg_trgm, and restart.",
        ]),
    ...(proposals.length === 0
      ? []
      : [`Lists and searches lack indexes (${proposals.length}); powercrud migrate prints the SQL.`]),
  ];
}

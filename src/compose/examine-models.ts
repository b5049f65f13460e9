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
      const served =
        database === undefined
          ? models
          : await markNativeTypes(models, createTableShapes(database.session), problems);
      const lines = [...notices, ...describeServing(served.all())];
      return {
        status: "OK",
        message: `${counted(served.all().length, "model")} can be served.`,
        ...(lines.length === 0 ? {} : { detail: lines.join("\n") }),
      };
    },
  };
}

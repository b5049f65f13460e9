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
 * @param session a migrated database; undefined where there is none: then only what is known without is examined
 */
export function examineModels(
  loadProject: () => Promise<PowerCrudConfig>,
  session: SqlSession | undefined,
): Examination {
  return {
    name: "models",
    async examine(): Promise<Finding> {
      const { models, notices, problems } = readModels(await loadProject());
      if (session === undefined && problems.length > 0) {
        throw refusedSchema(problems);
      }
      const served =
        session === undefined ? models : await markNativeTypes(models, createTableShapes(session), problems);
      const lines = [...notices, ...describeServing(served.all())];
      return {
        status: "OK",
        message: `${counted(served.all().length, "model")} can be served.`,
        ...(lines.length === 0 ? {} : { detail: lines.join("\n") }),
      };
    },
  };
}

import { requireMigrated } from "../compose/pending-migrations.ts";
import type { CliContext } from "./cli-context.ts";
import { runRole } from "./run-role.ts";

/** `powercrud work`: a worker without an API, on a migrated database. See {@link runRole}. */
export function work(context: CliContext): Promise<void> {
  const { projectDir, logger } = context;
  return runRole(context, "work", (databaseUrl) => requireMigrated({ databaseUrl, projectDir, logger }));
}

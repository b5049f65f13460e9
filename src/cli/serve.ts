import { requireMigrated } from "../compose/pending-migrations.ts";
import type { CliContext } from "./cli-context.ts";
import { runRole } from "./run-role.ts";

/** `powercrud serve`: the API without a worker, on a migrated database. See {@link runRole}. */
export function serve(context: CliContext): Promise<void> {
  const { projectDir, logger } = context;
  return runRole(context, "serve", (databaseUrl) => requireMigrated({ databaseUrl, projectDir, logger }));
}

import { AppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";
import { findPendingMigrations } from "./find-pending-migrations.ts";
import { withSession } from "./with-session.ts";

/** Which database, and by which migrations. */
export interface RequireMigratedOptions {
  readonly databaseUrl: string;
  /** The folder that holds `prisma/`, absolute. */
  readonly projectDir: string;
  readonly logger: Logger;
}

/**
 * Refuses a database that this checkout would have to migrate first. For processes of which there are several: they
 * leave the migrating to one of them, or to the operator.
 * @throws AppError MIGRATION_FAILED that names what is pending and says what to run
 */
export async function requireMigrated(options: RequireMigratedOptions): Promise<void> {
  const { databaseUrl, projectDir, logger } = options;
  const applicationName = "powercrud migrations";
  const pending = await withSession({ databaseUrl, applicationName, logger }, (session) =>
    findPendingMigrations(session, projectDir),
  );
  if (pending.length > 0) {
    throw new AppError(
      "MIGRATION_FAILED",
      `the database lacks migrations: ${pending.join(", ")}; run: npx powercrud migrate`,
      { details: { pending } },
    );
  }
}

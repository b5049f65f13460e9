import type { SqlSession } from "../kernel/sql-session.ts";
import { listMigrationNames } from "../adapters/prisma/migration-folder.ts";
import { readAppliedMigrations } from "../adapters/prisma/read-applied-migrations.ts";
import type { MigrationSource } from "./migration-sources.ts";
import { appMigrations, ENGINE_MIGRATIONS } from "./migration-sources.ts";

/**
 * The migrations that this checkout has and the database lacks: the engine's first, then the app's. Changes nothing.
 * @param projectDir the folder that holds `prisma/`, absolute; without it the app's are not looked for
 * @throws AppError UNAVAILABLE
 */
export async function findPendingMigrations(
  session: SqlSession,
  projectDir: string | undefined,
): Promise<readonly string[]> {
  const pending: string[] = [];
  for (const { folder, schema } of sourcesOf(projectDir)) {
    const applied = await readAppliedMigrations(session, schema);
    const names = await listMigrationNames(folder);
    pending.push(...names.filter((name) => !applied.has(name)));
  }
  return pending;
}

function sourcesOf(projectDir: string | undefined): readonly MigrationSource[] {
  return projectDir === undefined ? [ENGINE_MIGRATIONS] : [ENGINE_MIGRATIONS, appMigrations(projectDir)];
}

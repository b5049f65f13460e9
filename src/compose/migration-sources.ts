import { join } from "node:path";

/** A folder of migrations, and where their history stands. */
export interface MigrationSource {
  /** Absolute; in Prisma's layout. */
  readonly folder: string;
  /** The PostgreSQL schema of the history table. */
  readonly schema: string;
}

/** The engine's own tables. */
export const ENGINE_MIGRATIONS: MigrationSource = {
  folder: join(import.meta.dirname, "../adapters/postgres/migrations"),
  schema: "powercrud",
};

/** Stands among the names of migrations for the engine's database functions, which have no history. */
export const ENGINE_FUNCTIONS = "functions";

/**
 * The tables of the app's models.
 * @param projectDir the folder that holds `prisma/`, absolute
 */
export function appMigrations(projectDir: string): MigrationSource {
  return { folder: join(projectDir, "prisma/migrations"), schema: "public" };
}

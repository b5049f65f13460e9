/** The options of migrateDatabase. */
export interface MigrateOptions {
  readonly databaseUrl: string;
  /** The project's folder, absolute. */
  readonly projectDir: string;
  /**
   * Whether the database is the embedded one. In a project without migrations its tables follow the Prisma schema.
   * Default false.
   */
  readonly isEmbedded?: boolean;
  /** Refuses the app's pending migrations where a database has a history already, and applies none. Default false. */
  readonly isCareful?: boolean;
  /** Makes a new migration from the changes of the Prisma schema, after the pending ones are applied. Default: none. */
  readonly newMigration?: NewMigration;
}

/** A migration to make. */
export interface NewMigration {
  /** Letters, digits and underscores. */
  readonly name: string;
  /** True: writes it and leaves it to the next run to apply it. */
  readonly isDraft: boolean;
  readonly now: Date;
}

/** The report of a migration run. */
export interface MigrateReport {
  /**
   * The names of the applied engine migrations, and last "functions" if the engine's database functions were replaced.
   * The engine's tables and functions are in the PostgreSQL schema `powercrud`.
   */
  readonly engineApplied: readonly string[];
  /** The names of the app's migrations that were applied. */
  readonly appApplied: readonly string[];
  /** Migrations that the database has and the project lacks. */
  readonly missing: readonly string[];
  /** The file of the new migration, relative to the project; only if one was wanted and there was a change. */
  readonly written?: string;
  /** Why the new migration was not applied: only a draft was wanted, or it would lose data. */
  readonly heldBack?: "DRAFT" | "DESTRUCTIVE";
  /** True where the database has tables and no migration history; the app's tables were left alone. */
  readonly isUnmanaged?: true;
  /** SQL for changes of the Prisma schema that are in no migration. */
  readonly drift?: string;
}

/** The report about the app's tables. */
export type AppReport = Omit<MigrateReport, "engineApplied">;

import { seedDemo } from "../app/seed/seed-demo.ts";
import { migrateDatabase } from "../compose/migrate-database.ts";
import type { CliContext } from "./cli-context.ts";
import { warnAbout } from "./migrate.ts";
import { showSeedProgress } from "./show-seed-progress.ts";
import { withDatabase } from "./with-database.ts";

/** `powercrud seed`: migrates, and puts in the demo data if that was not done before. */
export async function seed(context: CliContext): Promise<void> {
  await withDatabase(context, async (databaseUrl) => {
    warnAbout(context, await migrateDatabase({ databaseUrl, projectDir: context.projectDir }));
    context.print(await seedDatabase(context, databaseUrl));
  });
}

/** Seeds a migrated database, with progress, and returns what came of it in words. */
export async function seedDatabase(context: CliContext, databaseUrl: string): Promise<string> {
  const progress = showSeedProgress(process.stderr, (line) => context.say(line));
  try {
    const { summary } = await seedDemo({
      databaseUrl,
      config: context.config,
      signal: context.stopSignal,
      onProgress: (doneCount, totalCount) => progress.update(doneCount, totalCount),
    });
    return summary;
  } finally {
    progress.end();
  }
}

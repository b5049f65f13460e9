import { Presets, SingleBar } from "cli-progress";

import { migrateDatabase } from "../../compose/migrate-database.ts";
import type { CliContext } from "../cli-context.ts";
import { withDatabase } from "../with-database.ts";
import { warnAbout } from "./migrate.ts";

/** `powercrud seed`: migrates, and puts in the project's first records. */
export async function seed(context: CliContext): Promise<void> {
  await withDatabase(context, async (databaseUrl) => {
    const { projectDir, database } = context;
    const isEmbedded = database.databaseUrl === undefined;
    warnAbout(context, await migrateDatabase({ databaseUrl, projectDir, isEmbedded }));
    context.print((await seedWithProgress(context, databaseUrl)) ?? "the project has no seed");
  });
}

/**
 * Seeds a migrated database, and shows the progress.
 * @returns a sentence about what the seed did; undefined if the project has none
 */
export async function seedWithProgress(
  context: CliContext,
  databaseUrl: string,
): Promise<string | undefined> {
  const { readVariables, logger, stopSignal: signal } = context;
  const config = await context.loadProject();
  // Loads Prisma's client, which takes a while; only now, since the database has started meanwhile.
  const { seedDatabase } = await import("../../compose/seed-database.ts");
  const shown = showSeedProgress(process.stderr, (line) => context.say(line));
  const progress = shown.update;
  try {
    return await seedDatabase({ config, databaseUrl, readVariables, progress, signal, logger });
  } finally {
    shown.end();
  }
}

/** Shows the progress of a seed. */
interface SeedProgress {
  readonly update: (doneCount: number, totalCount: number) => void;
  /** Restores the terminal. */
  end(): void;
}

/** Without a terminal, the number of lines after the first. */
const PARTS = 5;

/** A bar on a terminal, and a few lines anywhere else. */
export function showSeedProgress(stream: NodeJS.WriteStream, say: (line: string) => void): SeedProgress {
  return stream.isTTY ? showBar(stream) : showLines(say);
}

function showBar(stream: NodeJS.WriteStream): SeedProgress {
  const bar = new SingleBar(
    { stream, format: "seeding {bar} {percentage}% {value}/{total}", hideCursor: true },
    Presets.shades_classic,
  );
  return {
    update(doneCount, totalCount) {
      if (bar.isActive) {
        bar.update(doneCount);
      } else {
        bar.start(totalCount, doneCount);
      }
    },
    end: () => bar.stop(),
  };
}

function showLines(say: (line: string) => void): SeedProgress {
  let saidCount = -1;
  return {
    update(doneCount, totalCount) {
      const part = Math.floor((doneCount / Math.max(1, totalCount)) * PARTS);
      if (part > saidCount) {
        saidCount = part;
        say(`seeding: ${doneCount} of ${totalCount} records`);
      }
    },
    end: () => undefined,
  };
}

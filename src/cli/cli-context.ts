import { createHash } from "node:crypto";
import { basename, resolve } from "node:path";

import { SEED_VARIABLES } from "../app/seed/seed-variables.ts";
import type { DatabaseOptions } from "../compose/create-database.ts";
import { loadConfig } from "../config/load-config.ts";
import { SERVICE_VARIABLES } from "../config/service-variables.ts";
import type { ConfigOf } from "../config/variable.ts";
import type { Logger } from "../kernel/logger.ts";
import { createPinoLogger } from "./create-pino-logger.ts";
import { createStopSignal } from "./create-stop-signal.ts";
import { findProject } from "./find-project.mjs";

/** All variables of this program: the service's and the demo's. */
export const VARIABLES = { ...SERVICE_VARIABLES, ...SEED_VARIABLES };

/** What every command is given. */
export interface CliContext {
  readonly config: ConfigOf<typeof VARIABLES>;
  /** Which database the operator wants; see createDatabase. */
  readonly database: DatabaseOptions;
  /** The folder with `package.json` and `prisma/`. */
  readonly projectDir: string;
  /** Whether that is a project of others, which starts its own program with its own models. */
  readonly isEmbedding: boolean;
  readonly logger: Logger;
  /** Aborted when the operator asks the program to stop. */
  readonly stopSignal: AbortSignal;
  /** Writes a line of the answer. */
  print(line: string): void;
  /** Writes a line about what is going on. */
  say(line: string): void;
}

/**
 * Reads the environment, the only place that does, and turns to the terminal and to signals.
 * @throws AppError INVALID_CONFIG
 */
export function createCliContext(): CliContext {
  const { dir: projectDir, isEmbedding } = findProject();
  const config = loadConfig(process.env, VARIABLES);
  const logger = createPinoLogger(config.logLevel);
  return {
    config,
    database: {
      databaseUrl: config.databaseUrl,
      dataDir: resolve(projectDir, config.dataDir),
      // Whoever names a folder means that one.
      fallbackDir: process.env["POWERCRUD_DATA_DIR"] ? undefined : systemDataDir(projectDir),
      logger,
    },
    projectDir,
    isEmbedding,
    logger,
    stopSignal: createStopSignal(process),
    print: (line) => void process.stdout.write(`${line}\n`),
    say: (line) => void process.stderr.write(`powercrud: ${line}\n`),
  };
}

/** For a project in root's home, where no other user may look; one folder per project. */
function systemDataDir(projectDir: string): string {
  const hash = createHash("sha256").update(projectDir).digest("hex").slice(0, 8);
  return `/var/lib/powercrud/${basename(projectDir)}-${hash}`;
}

import type { CliContext } from "../../src/cli/cli-context.ts";
import type { PowerCrudConfig } from "../../src/compose/define-config.ts";
import type { Config } from "../../src/config/config.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";

/** What a command did in place of writing. */
export interface CommandAnswer {
  /** The lines of standard output. */
  readonly printed: readonly string[];
  /** The lines of standard error. */
  readonly said: readonly string[];
  readonly exitCode: number;
}

/** Where and how a command runs. */
export interface CommandOptions {
  readonly databaseUrl: string;
  readonly settings: Config;
  readonly project: PowerCrudConfig;
  /** Default: nobody stops it. */
  readonly stopSignal?: AbortSignal;
}

/** Runs a command of the command line in this process, on the project of the working folder. */
export async function runCommand(
  command: (context: CliContext) => Promise<void>,
  { databaseUrl, settings, project, stopSignal = new AbortController().signal }: CommandOptions,
): Promise<CommandAnswer> {
  const printed: string[] = [];
  const said: string[] = [];
  const logger = createSilentLogger();
  process.exitCode = 0;
  try {
    await command({
      config: settings,
      database: { databaseUrl, dataDir: "/nowhere", fallbackDir: undefined, logger },
      projectDir: process.cwd(),
      logger,
      auditLogger: logger,
      stopSignal,
      hasProjectFile: true,
      requireProjectFile: () => undefined,
      loadProject: () => Promise.resolve(project),
      readVariables: () => {
        throw new TypeError("these commands have no variables of their own");
      },
      print: (line) => void printed.push(line),
      say: (line) => void said.push(line),
    });
    return { printed, said, exitCode: process.exitCode };
  } finally {
    process.exitCode = 0;
  }
}

import { createHash } from "node:crypto";
import type { EventEmitter } from "node:events";
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";

import type { DatabaseOptions } from "../compose/create-database.ts";
import { checkConfig } from "../compose/check-config.ts";
import type { PowerCrudConfig } from "../compose/define-config.ts";
import { seedVariablesOf } from "../compose/define-config.ts";
import type { Config } from "../config/config.ts";
import { findUnknownNames, loadConfig } from "../config/config.ts";
import { SERVICE_VARIABLES } from "../config/service-variables.ts";
import type { ConfigOf, Variables } from "../config/variable.ts";
import { AppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";
import { findProject } from "./find-project.mjs";
import { importTypeScript } from "./import-typescript.ts";
import { loadEnvFile } from "./load-env-file.ts";
import { createPinoLoggers } from "./pino-logger.ts";

/** The file whose default export is the project's config. */
const PROJECT_FILE = "powercrud.config.ts";

/** The argument of every command. */
export interface CliContext {
  readonly config: Config;
  /** The database to use; see createDatabase. */
  readonly database: DatabaseOptions;
  /** The project's folder, absolute: it holds `package.json` and `prisma/`. */
  readonly projectDir: string;
  readonly logger: Logger;
  /** For the lines of the audit log. */
  readonly auditLogger: Logger;
  /** Aborted when the operator asks the program to stop. */
  readonly stopSignal: AbortSignal;
  /** Whether the project has a `powercrud.config.ts`. */
  readonly hasProjectFile: boolean;
  /** Refuses a project without a `powercrud.config.ts`. @throws AppError START_FAILED */
  requireProjectFile(): void;
  /** The default export of the project's file. @throws AppError INVALID_CONFIG when it cannot be loaded */
  loadProject(): Promise<PowerCrudConfig>;
  /** The values of variables that the project adds to the service's. @throws AppError INVALID_CONFIG */
  readVariables<Table extends Variables>(variables: Table): ConfigOf<Table>;
  /** Writes a line of output, to standard output. */
  print(line: string): void;
  /** Writes a line about progress, to standard error. */
  say(line: string): void;
}

/**
 * Reads the environment and the signals; nothing else in the project does.
 * @throws AppError INVALID_CONFIG
 */
export async function createCliContext(): Promise<CliContext> {
  const { dir: projectDir } = findProject();
  loadEnvFile(projectDir);
  const { env } = process;
  const loadProject = rememberCall(() => loadProjectFile(projectDir));
  const config = serviceSettings(loadConfig(env, await knownVariables(env, projectDir, loadProject)));
  const { logger, auditLogger } = createPinoLoggers(config.logLevel);
  return {
    config,
    database: {
      databaseUrl: config.databaseUrl,
      dataDir: resolve(projectDir, config.dataDir),
      // Only the default folder has a fallback: a folder that the operator named must work.
      fallbackDir: env["POWERCRUD_DATA_DIR"] ? undefined : systemDataDir(projectDir),
      logger,
    },
    projectDir,
    logger,
    auditLogger,
    stopSignal: createStopSignal(process),
    hasProjectFile: existsSync(join(projectDir, PROJECT_FILE)),
    requireProjectFile: () => requireProjectFile(projectDir),
    loadProject,
    readVariables: (variables) => loadConfig(env, { ...SERVICE_VARIABLES, ...variables }),
    print: (line) => void process.stdout.write(`${line}\n`),
    say: (line) => void process.stderr.write(`powercrud: ${line}\n`),
  };
}

/** Without the values of the seed, which the service does not know. */
function serviceSettings(config: Config): Config {
  const ours = Object.entries(config).filter(([name]) => Object.hasOwn(SERVICE_VARIABLES, name));
  return Object.freeze(Object.fromEntries(ours)) as Config;
}

/** All variables of this project: the service's, and those of the project's seed. */
export async function projectVariables(): Promise<Variables> {
  const project = await loadProjectFile(findProject().dir);
  return { ...SERVICE_VARIABLES, ...seedVariablesOf(project) };
}

/** The variables to check names against. Loads the project's file, which is slow, only if a name is not one of the service's. */
async function knownVariables(
  env: NodeJS.ProcessEnv,
  projectDir: string,
  loadProject: () => Promise<PowerCrudConfig>,
): Promise<typeof SERVICE_VARIABLES> {
  const areAllKnown = findUnknownNames(env, SERVICE_VARIABLES).length === 0;
  if (areAllKnown || !existsSync(join(projectDir, PROJECT_FILE))) {
    return SERVICE_VARIABLES;
  }
  return { ...SERVICE_VARIABLES, ...seedVariablesOf(await loadProject()) };
}

function requireProjectFile(projectDir: string): void {
  if (!existsSync(join(projectDir, PROJECT_FILE))) {
    throw new AppError(
      "START_FAILED",
      `${projectDir} has no ${PROJECT_FILE}, so this command does not know the models to serve. ` +
        "Write one, or start a program of your own; migrate, sweep and doctor work without (docs/embedding.md).",
    );
  }
}

async function loadProjectFile(projectDir: string): Promise<PowerCrudConfig> {
  const file = join(projectDir, PROJECT_FILE);
  let config: unknown;
  try {
    ({ default: config } = await importTypeScript(file));
  } catch (cause) {
    throw new AppError("INVALID_CONFIG", `${file} cannot be loaded: ${reasonOf(cause)}`, { cause });
  }
  checkConfig(config, PROJECT_FILE);
  return config;
}

/** Without Node's list of the files on the way to a missing module, and with a remedy for one that is generated. */
function reasonOf(cause: unknown): string {
  const [message = ""] = (cause instanceof Error ? cause.message : String(cause)).split("\nRequire stack:");
  const isNotGenerated = /^Cannot find module .*generated/.test(message);
  return isNotGenerated ? `${message}. Run: npx prisma generate` : message;
}

/** Calls once; later calls return the same result. */
function rememberCall<Result>(call: () => Result): () => Result {
  let result: { readonly value: Result } | undefined;
  return () => (result ??= { value: call() }).value;
}

/** A data folder outside the project, one per project, for a project that PostgreSQL's user cannot read (root's home). */
function systemDataDir(projectDir: string): string {
  const hash = createHash("sha256").update(projectDir).digest("hex").slice(0, 8);
  return `/var/lib/powercrud/${basename(projectDir)}-${hash}`;
}

/** The part of `process` that is used. */
type SignalledProcess = Pick<EventEmitter, "on"> & Pick<NodeJS.Process, "exit" | "ppid" | "env">;

/** Ctrl-C, `kill`, and a closed terminal. */
const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
/** What a shell reports for a program that SIGINT ended: 128 plus the signal's number. */
const FORCED_EXIT_CODE = 130;

/** How often to check that npm still runs, in ms. */
const PARENT_POLL_MS = 200;

/**
 * An AbortSignal that is aborted when the operator stops the program. Stopping it a second time exits at once.
 * @param echoMs time in ms after the first signal in which further signals are ignored: under npm, one Ctrl-C arrives
 *   twice, from the terminal and from npm. Default 1,000.
 */
export function createStopSignal(process: SignalledProcess, echoMs = 1000): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | undefined;
  for (const name of SIGNALS) {
    process.on(name, () => {
      const now = performance.now();
      firstAt ??= now;
      if (now - firstAt > echoMs) {
        process.exit(FORCED_EXIT_CODE);
      }
      controller.abort(new Error(`stopped by ${name}`));
    });
  }
  watchParent(process, (reason) => controller.abort(reason));
  return controller.signal;
}

/**
 * Under npm, stops when the parent process is gone: npm runs a script in a shell, and a `kill` of npm ends that shell without
 * a signal to us.
 */
function watchParent(process: SignalledProcess, stop: (reason: Error) => void): void {
  if (process.env["npm_command"] === undefined) {
    return;
  }
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) {
      stop(new Error("npm has ended"));
    }
  }, PARENT_POLL_MS).unref();
}

import { inspect } from "node:util";

import { Command, CommanderError } from "commander";

import { describeVariables } from "../config/variable.ts";
import { isAppError } from "../kernel/app-error.ts";
import { createCliContext, projectVariables, type CliContext } from "./cli-context.ts";
import type { DoctorOptions } from "./commands/doctor.ts";
import type { InitOptions } from "./commands/init.ts";
import type { MigrateOptions } from "./commands/migrate.ts";
import type { NotificationsOptions } from "./commands/notifications.ts";
import type { PrintSchemaOptions } from "./commands/print-schema.ts";
import type { SweepCommandOptions } from "./commands/sweep.ts";
import { addFileCommands } from "./file-commands.ts";
import { VERSION } from "./find-project.mjs";
import { addKeyCommands } from "./key-commands.ts";
import { addTaskCommands } from "./task-commands.ts";
import { UsageError } from "./usage.ts";

/** The exit code for wrong usage, as in shells. Other failures exit with 1. */
const USAGE_EXIT_CODE = 2;

/**
 * Runs a command line to its end; failures are reported on standard error.
 * @param argv as `process.argv`
 * @returns the exit code
 */
export async function runProgram(argv: readonly string[]): Promise<number> {
  process.title = "powercrud";
  try {
    await createProgram().parseAsync([...argv]);
    // A command that fails without an error sets process.exitCode.
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    }
    process.stderr.write(reportFailure(error, process.env["POWERCRUD_LOG_LEVEL"] === "debug"));
    return error instanceof UsageError ? USAGE_EXIT_CODE : 1;
  }
}

/** The command line. Each command imports only what it runs: the whole service takes a while to load. */
export function createProgram(): Command {
  const program = new Command("powercrud")
    .description("A GraphQL API generated from a Prisma schema, with bulk operations as background tasks.")
    .version(VERSION, "--version", "print the version of the package")
    .addHelpText("after", "\nSettings come from the environment: see docs/configuration.md.")
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`powercrud: ${text.replace(/^error: /, "")}`),
    });
  addRoles(program);
  addChores(program);
  addTaskCommands(program, runApp);
  addFileCommands(program, runApp);
  addKeyCommands(program, run);
  addPrinters(program);
  return program;
}

/** Commands that run until they are stopped. */
function addRoles(program: Command): void {
  program
    .command("start")
    .description("run everything in one process: database, migrations, seed, API and worker")
    .action(() => runApp(async (context) => (await import("./commands/start.ts")).start(context)));
  program
    .command("serve")
    .description("run the API without a worker, on a migrated database")
    .action(() => runApp(async (context) => (await import("./commands/serve.ts")).serve(context)));
  program
    .command("work")
    .description("run a worker without the API, on a migrated database")
    .action(() => runApp(async (context) => (await import("./commands/work.ts")).work(context)));
}

/** Commands that do one thing and end. */
function addChores(program: Command): void {
  program
    .command("init")
    .description(
      "make this project one that powercrud serves: adds a generator and a powercrud.config.ts, and the engine's schema",
    )
    .option("--dry-run", "show the changes, and make none")
    .option("--yes", "ask no question")
    .option(
      "--database-url <url>",
      "the PostgreSQL to use; read the Prisma schema from it if the project has none",
    )
    .action((options: InitOptions) =>
      run(async (context) => {
        const isHealthy = await (await import("./commands/init.ts")).init(context, options);
        process.exitCode = isHealthy ? 0 : 1;
      }),
    );
  program
    .command("migrate")
    .description(
      "bring the database up to date; with a name, make a migration from the changes of the Prisma schema",
    )
    .option("--name <name>", "make a new migration and apply it, such as add_book")
    .option("--create-only", "make it without applying it")
    .action((options: MigrateOptions) =>
      run(async (context) => (await import("./commands/migrate.ts")).migrate(context, options)),
    );
  program
    .command("seed")
    .description("migrate, and put in the project's first records, once")
    .action(() => runApp(async (context) => (await import("./commands/seed.ts")).seed(context)));
  program
    .command("sweep")
    .description("clean up after crashes once, and say which tasks were left alone and why")
    .option("--json", "print one JSON document")
    .action((options: SweepCommandOptions) =>
      run(async (context) => (await import("./commands/sweep.ts")).sweepOnce(context, options)),
    );
  program
    .command("notifications")
    .description("list the notifications that were given up, or have them tried again")
    .option("--retry <id...>", "have these tried again")
    .option("--retry-all", "have all of them tried again")
    .option("--json", "print one JSON document")
    .action((options: NotificationsOptions) =>
      run(async (context) => (await import("./commands/notifications.ts")).notifications(context, options)),
    );
  program
    .command("doctor")
    .description(
      "examine database, Redis, queue and workers, and say what is wrong, even if nothing can start",
    )
    .option("--json", "print one JSON document")
    .action(async (options: DoctorOptions) => {
      const isHealthy = await (await import("./commands/doctor.ts")).doctor(options);
      process.exitCode = isHealthy ? 0 : 1;
    });
}

/** Commands that print generated documents. */
function addPrinters(program: Command): void {
  program
    .command("print-schema")
    .description("print the GraphQL schema")
    .option("--possible-types", "print the types of its unions and interfaces as JSON, for clients' caches")
    .option("--introspection", "print the part of its introspection result that graphcache needs, as JSON")
    .action((options: PrintSchemaOptions) =>
      runApp(async (context) => (await import("./commands/print-schema.ts")).printSchema(context, options)),
    );
  program
    .command("print-config-docs")
    .description("print docs/configuration.md")
    .action(async () => void process.stdout.write(describeVariables(await projectVariables())));
}

/** For commands that need the project's models. */
function runApp(command: (context: CliContext) => Promise<void>): Promise<void> {
  return run(async (context) => {
    context.requireProjectFile();
    await command(context);
  });
}

async function run(command: (context: CliContext) => Promise<void>): Promise<void> {
  const context = await createCliContext();
  try {
    await command(context);
  } catch (error) {
    // If the operator stopped the command, its failure is not reported.
    if (!context.stopSignal.aborted) {
      throw error;
    }
  }
}

/**
 * The report of an error for the operator: its message, line by line, without a stack.
 * @param isDebug adds the stack and the causes
 */
export function reportFailure(error: unknown, isDebug: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const isExpected = isAppError(error) || error instanceof UsageError;
  const lines = (isExpected ? message : `unexpected: ${message}`).split("\n").filter(Boolean);
  const report = lines.map((line) => `powercrud: ${line}\n`).join("");
  return isDebug ? `${report}${inspect(error, { depth: 4 })}\n` : report;
}

import { Command } from "commander";

import { AppError } from "../kernel/app-error.ts";
import { describeVariables } from "../config/describe-variables.ts";
import { createCliContext, VARIABLES, type CliContext } from "./cli-context.ts";
import type { DoctorOptions } from "./doctor.ts";
import type { MigrateOptions } from "./migrate.ts";
import type { SweepCommandOptions } from "./sweep.ts";

/** The command line. Each command loads what it runs, and no more: the whole service takes a while. */
export function createProgram(): Command {
  const program = new Command("powercrud")
    .description("A GraphQL API generated from a Prisma schema, with bulk operations as background tasks.")
    .addHelpText("after", "\nSettings come from the environment: see docs/configuration.md.")
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`powercrud: ${text.replace(/^error: /, "")}`),
    });
  addRoles(program);
  addChores(program);
  addPrinters(program);
  return program;
}

/** What runs until it is told to stop. */
function addRoles(program: Command): void {
  program
    .command("start")
    .description("run everything in one process: database, migrations, demo data, API and worker")
    .action(() => runDemo(async (context) => (await import("./start.ts")).start(context)));
  program
    .command("serve")
    .description("run the API without a worker, on a migrated database")
    .action(() => runDemo(async (context) => (await import("./serve.ts")).serve(context)));
  program
    .command("work")
    .description("run a worker without the API, on a migrated database")
    .action(() => runDemo(async (context) => (await import("./work.ts")).work(context)));
}

/** What does its work and ends. */
function addChores(program: Command): void {
  program
    .command("migrate")
    .description(
      "bring the database up to date; with a name, make a migration of what the Prisma schema changes",
    )
    .option("--name <name>", "make a new migration and apply it, such as add_book")
    .option("--create-only", "make it without applying it")
    .action((options: MigrateOptions) =>
      run(async (context) => (await import("./migrate.ts")).migrate(context, options)),
    );
  program
    .command("seed")
    .description("put in the demo data, once")
    .action(() => runDemo(async (context) => (await import("./seed.ts")).seed(context)));
  program
    .command("sweep")
    .description("look once after what crashes left behind, and say which tasks were left alone and why")
    .option("--json", "print one JSON document")
    .action((options: SweepCommandOptions) =>
      run(async (context) => (await import("./sweep.ts")).sweepOnce(context, options)),
    );
  program
    .command("doctor")
    .description(
      "look at database, Redis, queue and workers, and say what is wrong; also where nothing starts",
    )
    .option("--json", "print one JSON document")
    .action(async (options: DoctorOptions) => {
      const isHealthy = await (await import("./doctor.ts")).doctor(options);
      process.exitCode = isHealthy ? 0 : 1;
    });
}

/** What this checkout's generated documents are made with. */
function addPrinters(program: Command): void {
  program
    .command("print-schema")
    .description("print the GraphQL schema")
    .action(() => runDemo(async (context) => (await import("./print-schema.ts")).printSchema(context)));
  program
    .command("print-config-docs")
    .description("print docs/configuration.md")
    .action(() => void process.stdout.write(describeVariables(VARIABLES)));
}

/** For what runs the app in this checkout, which an embedding project has not. */
function runDemo(command: (context: CliContext) => Promise<void>): Promise<void> {
  return run(async (context) => {
    if (context.isEmbedding) {
      throw new AppError(
        "START_FAILED",
        `${context.projectDir} embeds powercrud-graphql, and this command knows only the models of its demo. ` +
          "Start your own program instead; migrate, sweep and doctor work here (docs/embedding.md).",
      );
    }
    await command(context);
  });
}

async function run(command: (context: CliContext) => Promise<void>): Promise<void> {
  const context = createCliContext();
  try {
    await command(context);
  } catch (error) {
    // Whoever asked it to stop does not want to hear that it could not finish.
    if (!context.stopSignal.aborted) {
      throw error;
    }
  }
}

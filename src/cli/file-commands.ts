import type { Command } from "commander";
import { Option } from "commander";

import type { CliContext } from "./cli-context.ts";
import type { ExportOptions } from "./commands/export.ts";

/** Runs a command of a project with models. */
type Run = (command: (context: CliContext) => Promise<void>) => Promise<void>;

/** Adds the commands that move many records. */
export function addFileCommands(program: Command, run: Run): void {
  program
    .command("export")
    .argument("<model>", "by its name in the API")
    .description("write records into a file")
    .option("--where <json>", "which records, in the form of the list's argument")
    .option("--order-by <json>", "their order, in the form of the list's argument")
    .option("--search <text>", "words that they must have")
    .option("--fields <names>", "the columns, such as id,name,team.name")
    .addOption(new Option("--format <format>", "of the file").choices(["csv", "jsonl"]))
    .option("--output <file>", "where it is written; default: standard output")
    .option("--no-escape-formulas", "leave cells as they are that a spreadsheet would run")
    .option("--viewer <json>", `on whose behalf, such as '{"id": "anna"}'`)
    .action((model: string, options: ExportOptions) =>
      run(async (context) => (await import("./commands/export.ts")).exportRecords(context, model, options)),
    );
}

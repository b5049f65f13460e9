import type { Command } from "commander";
import { Argument, Option } from "commander";

import type { CliContext } from "./cli-context.ts";
import type { CreateKeyOptions } from "./commands/keys.ts";

/** Adds `keys` to the command line. @param run runs a command in any project */
export function addKeyCommands(
  program: Command,
  run: (command: (context: CliContext) => Promise<void>) => Promise<void>,
): void {
  const keys = program.command("keys").description("make, list and revoke API keys");
  const json = (): Option => new Option("--json", "print one JSON document");
  keys
    .command("create")
    .description("make a key; it is shown once, and stored as a hash")
    .requiredOption("--name <name>", "by which people know it")
    .option("--viewer <json>", `on whose behalf its holder asks. Default: '{"id": "key:<name>"}'`)
    .option("--expires <time>", "such as 90d, 12h or 30m. Default: never")
    .option("--scopes <list>", "what it is good for: read, write, metrics. Default: read,write")
    .addOption(json())
    .action((options: CreateKeyOptions) =>
      run(async (context) => (await import("./commands/keys.ts")).createKey(context, options)),
    );
  keys
    .command("list")
    .description("list all keys, without their secrets")
    .addOption(json())
    .action((options: { readonly json?: boolean }) =>
      run(async (context) => (await import("./commands/keys.ts")).listKeys(context, options)),
    );
  keys
    .command("revoke")
    .addArgument(new Argument("<key>", "its name or its prefix"))
    .description("end a key at once, in all processes; what is open with it is closed")
    .action((key: string) =>
      run(async (context) => (await import("./commands/keys.ts")).revokeKey(context, key)),
    );
}

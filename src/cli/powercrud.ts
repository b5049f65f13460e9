import { CommanderError } from "commander";

import { createProgram } from "./create-program.ts";
import { reportFailure } from "./report-failure.ts";

/** Wrong usage, as is the custom of shells; every other failure is 1. */
const USAGE_EXIT_CODE = 2;

async function main(argv: readonly string[]): Promise<number> {
  process.title = "powercrud";
  try {
    await createProgram().parseAsync([...argv]);
    // A command that fails without an error says so itself.
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    }
    process.stderr.write(reportFailure(error, process.env["POWERCRUD_LOG_LEVEL"] === "debug"));
    return 1;
  }
}

const exitCode = await main(process.argv);
// What a library may have left open must not keep a program alive that has done its work.
process.stdout.write("", () => process.exit(exitCode));

import { runProgram } from "./program.ts";

const exitCode = await runProgram(process.argv);
// Exits after flushing the output, even if a library still has an open handle.
process.stdout.write("", () => process.exit(exitCode));

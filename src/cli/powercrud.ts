import { runProgram } from "./program.ts";

const exitCode = await runProgram(process.argv);
// An open handle of a library must not keep the process alive once its work is done.
process.stdout.write("", () => process.exit(exitCode));

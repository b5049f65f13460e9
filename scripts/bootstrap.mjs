#!/usr/bin/env node
// Runs the command line from a fresh checkout: prepares the checkout, then runs the TypeScript in the same process, so that
// signals and exit codes need no forwarding. A project that embeds the package is not prepared: its owner does that.
import { findProject } from "../src/cli/find-project.mjs";
import { prepare } from "./prepare.mjs";

try {
  if (!findProject().isEmbedding) {
    await prepare();
  }
} catch (error) {
  process.stderr.write(`powercrud: ${error.message}\n`);
  process.exit(1);
}
const { register } = await import("tsx/esm/api");
register();
await import("../src/cli/powercrud.ts");

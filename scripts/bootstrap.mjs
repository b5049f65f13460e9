#!/usr/bin/env node
// The way into the command line from a bare checkout: makes it ready, then runs the TypeScript in this same process,
// so that signals and exit codes need no forwarding. In a project that embeds the package, its owner has done that.
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

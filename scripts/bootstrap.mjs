#!/usr/bin/env node
// Runs the command line from a fresh checkout: prepares the checkout, then runs the TypeScript in the same process, so that
// signals and exit codes need no forwarding. For another project, to which the checkout is linked, it runs the build: that
// project imports the build, too, and there must be one instance of it.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findProject } from "../src/cli/find-project.mjs";
import { prepare } from "./prepare.mjs";

const built = new URL("../dist/cli/powercrud.js", import.meta.url);

try {
  if (!findProject().isEmbedding) {
    await prepare();
    const { register } = await import("tsx/esm/api");
    // Its paths lead from the package's name to its sources, from any working folder.
    register({ tsconfig: fileURLToPath(new URL("../tsconfig.json", import.meta.url)) });
  } else if (!existsSync(built)) {
    throw new Error("this project is linked to a checkout that is not built; run there: npm run build");
  }
} catch (error) {
  process.stderr.write(`powercrud: ${error.message}\n`);
  process.exit(1);
}
await import(findProject().isEmbedding ? built.href : "../src/cli/powercrud.ts");

#!/usr/bin/env node
// The command line. A checkout runs its TypeScript, by way of scripts/, which the package does not have.
import { existsSync } from "node:fs";

const checkout = new URL("../scripts/bootstrap.mjs", import.meta.url);
await import(existsSync(checkout) ? checkout.href : "../dist/cli/powercrud.js");

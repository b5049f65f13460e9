#!/usr/bin/env node
// The Prisma generator. A checkout runs its TypeScript, by way of scripts/, which the package does not have.
import { existsSync } from "node:fs";

const checkout = new URL("../scripts/powercrud-generator.mjs", import.meta.url);
if (existsSync(checkout)) {
  await import(checkout.href);
} else {
  const { serveGenerator } = await import("../dist/generator/generator.js");
  serveGenerator();
}

#!/usr/bin/env node
// Prisma's generator "powercrud" in a checkout: runs its TypeScript, which the package has compiled.
import { register } from "tsx/esm/api";

register();
const { serveGenerator } = await import("../src/generator/generator.ts");
serveGenerator();

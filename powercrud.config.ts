import { demoSeed } from "./prisma/seed/seed.ts";
import * as enums from "./src/generated/prisma/enums.ts";
import { PrismaClient } from "./src/generated/prisma/client.ts";
import { getDatamodel } from "./src/generated/pothos-types.ts";
import { defineApp } from "./src/index.ts";

/** The demo: countries, languages, cities and tags. Models that are not listed are served with the default options. */
export default defineApp({
  generated: { getDatamodel, enums, createClient: (options) => new PrismaClient(options) },
  seed: demoSeed,
});

import { demoSeed } from "./prisma/seed/seed.ts";
import { generated } from "./src/generated/powercrud.ts";
import { defineConfig } from "powercrud-graphql";

/** The demo: countries, languages, cities and tags, all with the default options. */
export default defineConfig({
  generated,
  seed: demoSeed,
});

import { demoSeed } from "./prisma/seed/seed.ts";
import { generated } from "./src/generated/powercrud.ts";
import { defineConfig } from "powercrud-graphql";

/** The demo: countries, languages, cities and tags. Models that are not listed are served with the default options. */
export default defineConfig({
  generated,
  models: {
    City: {
      bulk: {
        fields: [
          "name",
          "countryCode",
          "population",
          "latitude",
          "longitude",
          "elevation",
          "status",
          "notes",
          "tags",
        ],
      },
    },
  },
  seed: demoSeed,
});

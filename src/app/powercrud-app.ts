import { defineApp, defineModel } from "../index.ts";
import * as enums from "../generated/prisma/enums.ts";
import { PrismaClient } from "../generated/prisma/client.ts";
import { getDatamodel } from "../generated/pothos-types.ts";

/** The demo: countries, languages, cities and tags. Every model of the Prisma schema is served; here stands what is special. */
export const powerCrudApp = defineApp({
  generated: { getDatamodel, enums, createClient: (options) => new PrismaClient(options) },
  models: {
    City: defineModel({
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
    }),
  },
});

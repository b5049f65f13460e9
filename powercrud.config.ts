import { rebuildCountryStatistics } from "./prisma/tasks/rebuild-country-statistics.ts";
import { demoSeed } from "./prisma/seed/seed.ts";
import { generated } from "./src/generated/powercrud.ts";
import { defineConfig, tasks } from "powercrud-graphql";

/** The demo: countries, languages, cities and tags, and a task that recomputes the figures of a country's cities. */
export default defineConfig({
  generated,
  seed: demoSeed,
  tasks: [rebuildCountryStatistics],
  models: {
    City: { search: ["name"] },
    Country: {
      search: ["name", "capital"],
      hooks: {
        /** In a bulk operation it runs as a part of that task; a single write launches it as a task of its own. */
        async afterUpdate({ records }) {
          for (const { id } of records) {
            await tasks.launch(rebuildCountryStatistics, { countryCode: id }, { onConflict: "WAIT" });
          }
        },
      },
    },
  },
});

import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { defineTask, registerDescendants } from "powercrud-graphql";
import { generated } from "../../src/generated/powercrud.ts";

/** So many steps at most, however many cities a country has. */
const MAX_STEPS = 40;
const MIN_CITIES_PER_STEP = 5;
/** How long a task of its own rests after each step, so that one can watch it, in ms. */
const REST_MS = 250;

const KIND = "rebuildCountryStatistics";

/**
 * Recomputes the figures of a country's cities, and of the country itself. It holds them until it is done. As a part of
 * another task it does not rest: the transaction of a hook must be short.
 */
export const rebuildCountryStatistics = defineTask({
  kind: KIND,
  description: "Recomputes the rank and the share of each city of a country, and the country's population.",
  generated,
  input: z.object({ countryCode: z.string().length(2).toUpperCase() }),
  model: "Country",
  claims: ({ input }) => [{ model: "Country", ids: [input.countryCode] }],
  label: ({ input }) => `Statistics of ${input.countryCode}`,
  retries: { max: 3 },
  async run({ input: { countryCode }, prisma, progress, signal, currentTask }) {
    const cities = await prisma.city.findMany({
      where: { countryCode },
      select: { id: true, population: true },
      orderBy: [{ population: "desc" }, { id: "asc" }],
    });
    await registerDescendants(
      "City",
      cities.map(({ id }) => id),
    );
    progress.total(cities.length);
    const sum = cities.reduce((all, { population }) => all + population, 0);
    const size = Math.max(MIN_CITIES_PER_STEP, Math.ceil(cities.length / MAX_STEPS));
    for (let start = 0; start < cities.length; start += size) {
      signal.throwIfAborted();
      const step = cities.slice(start, start + size);
      const ids = step.map(({ id }) => id);
      const shares = step.map(({ population }) => (sum === 0 ? 0 : (population * 100) / sum));
      await prisma.$executeRaw`
        UPDATE city SET rank_in_country = figures.rank + ${start}::int, population_share = figures.share
        FROM unnest(${ids}::int[], ${shares}::float8[]) WITH ORDINALITY AS figures (id, share, rank)
        WHERE city.id = figures.id`;
      progress.add(step.length);
      if (currentTask().kind === KIND) {
        await delay(REST_MS, undefined, { signal });
      }
    }
    await prisma.$executeRaw`
      UPDATE country SET population = ${sum}, city_count = ${cities.length} WHERE code = ${countryCode}`;
    return { cities: cities.length, population: sum };
  },
});

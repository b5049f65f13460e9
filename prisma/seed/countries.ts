import { countries, languages } from "countries-list";

/** A country as the demo stores it; its population is the sum over its cities. */
export interface DemoCountry {
  readonly code: string;
  readonly name: string;
  /** A value of the enum `Continent`. */
  readonly continent: string;
  readonly capital: string | null;
  readonly currency: string | null;
  readonly languageCodes: readonly string[];
}

/** A language as the demo stores it. */
export interface DemoLanguage {
  readonly code: string;
  readonly name: string;
}

const CONTINENTS = {
  AF: "AFRICA",
  AN: "ANTARCTICA",
  AS: "ASIA",
  EU: "EUROPE",
  NA: "NORTH_AMERICA",
  OC: "OCEANIA",
  SA: "SOUTH_AMERICA",
};

/** All countries and territories of the `countries-list` package. */
export function demoCountries(): DemoCountry[] {
  return Object.entries(countries).map(([code, country]) => ({
    code,
    name: country.name,
    continent: CONTINENTS[country.continent],
    // The package has an empty text or an empty list for "none".
    capital: country.capital === "" ? null : country.capital,
    currency: country.currency[0] ?? null,
    languageCodes: country.languages,
  }));
}

/** All languages of the `countries-list` package. */
export function demoLanguages(): DemoLanguage[] {
  return Object.entries(languages).map(([code, { name }]) => ({ code, name }));
}

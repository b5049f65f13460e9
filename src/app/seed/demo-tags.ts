import type { DemoCity } from "./demo-cities.ts";

/** A tag of the demo and the cities that get it. */
export interface DemoTag {
  /** The same in every database, so that examples can name it. */
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

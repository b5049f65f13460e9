import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

/** The service's limit of bulk records in these tests. */
export const MAX_RECORDS = 60;
export const SKIP_FAILED = { errorPolicy: "SKIP_FAILED" };
/** The keys of existing tags by label, and of a missing one. */
export const RED = "0195f8f0-0000-7000-8000-00000000000a";
export const GREEN = "0195f8f0-0000-7000-8000-00000000000b";
export const BLUE = "0195f8f0-0000-7000-8000-00000000000c";
export const ELSEWHERE = "0195f8f0-0000-7000-8000-0000000000ff";

/** The demo's cities with their bulk mutations. Lists of records are written with SKIP_FAILED by default. */
export interface BulkCities {
  readonly api: BulkFixture;
  updateCities(selection: object, data: object, options?: object): Promise<Answer>;
  updateEach(records: readonly object[], options?: object): Promise<Answer>;
  createCities(data: readonly object[], options?: object): Promise<Answer>;
  upsertCities(records: readonly object[], options?: object): Promise<Answer>;
  /** The rows of the cities that match the condition, by id. */
  cities(condition: string): Promise<Answer[]>;
  /** 50 cities of 2021 in France with a note, the first five of them red. */
  reset(): Promise<void>;
}

/** Viewers with the claim `north` reach no city south of the equator. Bulk updates cannot change a city's place. */
export async function createBulkCities(): Promise<BulkCities> {
  const api = await createBulkFixture({
    settings: { bulkMaxRecords: MAX_RECORDS, chunkRecords: 10 },
    models: {
      City: {
        search: ["name", "notes"],
        fields: { latitude: { isBulkWritable: false }, longitude: { isBulkWritable: false } },
        access: ({ viewer: { claims } }) => (claims?.["north"] === true ? { latitude: { gte: 0 } } : true),
      },
    },
  });
  return {
    api,
    updateCities: (selection, data, options) =>
      api.run(
        "bulkUpdateCities",
        { selection: ["CitySelection!", selection], data: ["CityBulkUpdateInput!", data] },
        options,
      ),
    updateEach: (records, options = SKIP_FAILED) =>
      api.run("bulkUpdateEachCities", { records: ["[CityUpdateEachInput!]!", records] }, options),
    createCities: (data, options = SKIP_FAILED) =>
      api.run("bulkCreateCities", { data: ["[CityBulkCreateInput!]!", data] }, options),
    upsertCities: (records, options = SKIP_FAILED) =>
      api.run("bulkUpsertCities", { records: ["[CityUpsertInput!]!", records] }, options),
    cities: (condition) =>
      api.query(`SELECT c.id, name, country_code, population, elevation, status::text, notes,
          updated_at > '2021-06-01' AS touched,
          ARRAY(SELECT t.label FROM "_CityToTag" j JOIN tag t ON t.id = j."B" WHERE j."A" = c.id ORDER BY 1) AS tags
        FROM city c WHERE ${condition} ORDER BY c.id`),
    async reset() {
      await api.query(emptying(`country, city, tag, "_CityToTag"`));
      await api.query(
        `INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE'), ('DE', 'Germany', 'EUROPE')`,
      );
      await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, elevation, notes, updated_at)
        SELECT i, 'City ' || i, 'FR', i, 1, 1, 100, 'note', '2021-01-01' FROM generate_series(1, 50) i`);
      await api.query(
        `INSERT INTO tag SELECT id::uuid, name FROM unnest($1::text[], $2::text[]) t (id, name)`,
        [
          [RED, GREEN, BLUE],
          ["red", "green", "blue"],
        ],
      );
      await api.query(`INSERT INTO "_CityToTag" SELECT i, $1::uuid FROM generate_series(1, 5) i`, [RED]);
    },
  };
}

/** The numbers from the first to the last as texts. */
export function ids(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
}

/** The data of a new city. */
export function newCity(id: number, more: object = {}): object {
  return { id, name: `New ${id}`, countryCode: "DE", population: 1, latitude: 2, longitude: 3, ...more };
}

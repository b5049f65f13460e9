import type { AccessOption, Viewer } from "../../../src/index.ts";
import { emptying } from "../../support/empty-tables.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import type { Answer } from "./models-fixture.ts";
import { DRY } from "./preview-of.ts";

/** With the number of a tag behind it: its id. */
export const TAG = "0195f8f0-0000-7000-8000-00000000000";
/** Cities, with the ids from 1 on. */
export const COUNT = 300;

/** Cities of which every fiftieth is near a limit, three tags, and access rules that a test may change. */
export interface PreviewWorld {
  readonly api: BulkFixture;
  cities: AccessOption;
  tags: AccessOption;
  /** Fills the tables anew, and lets everybody do everything. */
  reset(): Promise<void>;
  /** Tries a bulk update. @param selection default: all cities */
  update(data: object, options?: object, viewer?: Viewer, selection?: object): Promise<Answer>;
}

export async function createPreviewWorld(): Promise<PreviewWorld> {
  const rules: Pick<PreviewWorld, "cities" | "tags"> = { cities: true, tags: true };
  const api = await createBulkFixture({
    settings: { chunkRecords: 25 },
    // The service reads the catalog at its start.
    sql: `
      CREATE FUNCTION name_capital() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.capital := 'of ' || NEW.name; RETURN NEW; END $$;
      CREATE TRIGGER name_capital BEFORE UPDATE ON country FOR EACH ROW EXECUTE FUNCTION name_capital();`,
    models: {
      City: {
        fields: { status: { isExposed: false } },
        get access() {
          return rules.cities;
        },
      },
      Tag: {
        get access() {
          return rules.tags;
        },
      },
    },
  });
  await api.query("ALTER TABLE city ADD CONSTRAINT small CHECK (population < 1000)");
  return Object.assign(rules, {
    api,
    async reset() {
      Object.assign(rules, { cities: true, tags: true });
      await api.query(emptying(`country, city, tag, "_CityToTag", powercrud.task`));
      await api.query("INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE')");
      await api.query(
        `INSERT INTO city (id, name, country_code, population, latitude, longitude, elevation, notes)
         SELECT i, 'City ' || i, 'FR', CASE WHEN i % 50 = 0 THEN 999 ELSE i % 7 END, 1, 1, nullif(i % 4, 0), 'a' FROM generate_series(1, $1::int) i`,
        [COUNT],
      );
      await api.query(`INSERT INTO tag SELECT ($1 || n)::uuid, 'tag ' || n FROM generate_series(1, 3) n`, [
        TAG,
      ]);
    },
    update: (
      data: object,
      options: object = {},
      viewer?: Viewer,
      selection: object = { ids: ids(1, COUNT) },
    ): Promise<Answer> =>
      api.run(
        "bulkUpdateCities",
        { selection: ["CitySelection!", selection], data: ["CityBulkUpdateInput!", data] },
        { ...DRY, ...options },
        viewer,
      ),
  });
}

/** Whole numbers as ids. */
export function ids(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_none, at) => String(from + at));
}

import type { ModelsFixture } from "./models-fixture.ts";

/** Keys of the sample tags, in order. */
export const TAGS = Array.from({ length: 6 }, (_, at) => `0195f8f0-0000-7000-8000-00000000000${at}`);

/** 30 countries, 3 languages, 300 cities with ties and nulls, and 6 tags on the first 200 of them. */
export async function insertSampleRecords(api: ModelsFixture): Promise<void> {
  await api.query(`INSERT INTO country (code, name, continent, population)
    SELECT chr(65 + i / 10) || i % 10, 'Land ' || i, (enum_range(NULL::"Continent"))[1 + i % 7], CASE WHEN i % 3 = 0 THEN NULL ELSE i * 1000 END
      FROM generate_series(0, 29) i`);
  await api.query(`INSERT INTO language VALUES ('fr', 'French'), ('de', 'German'), ('xx', 'Nowhere')`);
  await api.query(
    `INSERT INTO "_CountryToLanguage" SELECT code, 'fr' FROM country UNION SELECT code, 'de' FROM country WHERE code < 'B'`,
  );
  await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, elevation, status, notes)
    SELECT i, 'City ' || i, chr(65 + (i % 30) / 10) || (i % 30) % 10, i % 5, i / 10.0, -i, CASE WHEN i % 4 = 0 THEN NULL ELSE i % 7 END,
           CASE WHEN i % 2 = 0 THEN 'ACTIVE' ELSE 'ARCHIVED' END::"CityStatus", CASE WHEN i % 9 = 0 THEN 'Note 100%' ELSE NULL END
      FROM generate_series(1, 300) i`);
  await api.query(
    `INSERT INTO tag SELECT id::uuid, 'tag ' || n FROM unnest($1::text[]) WITH ORDINALITY t (id, n)`,
    [TAGS],
  );
  await api.query(
    `INSERT INTO "_CityToTag" SELECT c.id, t.id FROM city c JOIN tag t ON c.id % 6 <> right(t.id::text, 1)::int WHERE c.id <= 200`,
  );
}

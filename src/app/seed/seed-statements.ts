/** What the mark says. */
export const SEED_MARK = "powercrud: demo data seeded";

/** The statements of the seed, one a deed. Each takes whole columns as arrays, so that a batch is one round trip. */
export const SEED_STATEMENTS = {
  /** The mark is a comment on a table: transactional, invisible to the API, and gone when the table is. */
  readMark: `SELECT obj_description('country'::regclass, 'pg_class') AS mark`,
  /** Two processes that start together: the second waits here and then sees the mark. */
  keepOthersOut: `LOCK TABLE country IN SHARE ROW EXCLUSIVE MODE`,
  hasRecords: `SELECT EXISTS (SELECT FROM country) OR EXISTS (SELECT FROM language) OR EXISTS (SELECT FROM tag) AS found`,
  insertLanguages: `INSERT INTO language (code, name) SELECT * FROM unnest($1::text[], $2::text[])`,
  insertCountries: `
    INSERT INTO country (code, name, continent, capital, currency)
    SELECT code, name, continent::"Continent", capital, currency
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
      AS c (code, name, continent, capital, currency)`,
  connectLanguages: `INSERT INTO "_CountryToLanguage" ("A", "B") SELECT * FROM unnest($1::text[], $2::text[])`,
  insertTags: `INSERT INTO tag (id, label) SELECT * FROM unnest($1::uuid[], $2::text[])`,
  insertCities: `
    INSERT INTO city (id, name, country_code, population, latitude, longitude)
    SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::int[], $5::float8[], $6::float8[])`,
  connectTags: `INSERT INTO "_CityToTag" ("A", "B") SELECT * FROM unnest($1::int[], $2::uuid[])`,
  sumPopulations: `
    UPDATE country SET population = listed.population
    FROM (SELECT country_code, sum(population) AS population FROM city GROUP BY country_code) listed
    WHERE listed.country_code = country.code`,
  writeMark: `COMMENT ON TABLE country IS '${SEED_MARK}'`,
};

import type pg from "pg";

/** Rows per bare statement. */
const ROWS_PER_STATEMENT = 1000;

/** A city as the bench makes it. */
export interface BenchCity {
  readonly id: number;
  readonly name: string;
  readonly population: number;
}

/** Runs an operation with bare statements. @returns the time in ms */
export type BareOperation = (pool: pg.Pool, cities: readonly BenchCity[]) => Promise<number>;

const inParts =
  (text: string, valuesOf: (part: readonly BenchCity[]) => readonly unknown[]): BareOperation =>
  async (pool, cities) => {
    const start = performance.now();
    for (let at = 0; at < cities.length; at += ROWS_PER_STATEMENT) {
      await pool.query(text, [...valuesOf(cities.slice(at, at + ROWS_PER_STATEMENT))]);
    }
    return performance.now() - start;
  };

const idsOf = (part: readonly BenchCity[]): readonly number[] => part.map(({ id }) => id);

export const bareUpdateEach = inParts(
  `UPDATE city c SET population = u.population, updated_at = now()
     FROM unnest($1::int[], $2::int[]) AS u(id, population) WHERE c.id = u.id`,
  (part) => [idsOf(part), part.map(({ population }) => population)],
);

export const bareCreate = inParts(
  `INSERT INTO city (id, name, country_code, population, latitude, longitude, updated_at)
   SELECT id, name, 'FR', population, 1, 2, now() FROM unnest($1::int[], $2::text[], $3::int[]) AS u(id, name, population)`,
  (part) => [idsOf(part), part.map(({ name }) => name), part.map(({ population }) => population)],
);

export const bareDelete = inParts("DELETE FROM city WHERE id = ANY ($1::int[])", (part) => [idsOf(part)]);

/** @param tagId the tag that all cities get */
export const bareLink = (tagId: string): BareOperation =>
  inParts(
    `INSERT INTO "_CityToTag" ("A", "B") SELECT id, '${tagId}' FROM unnest($1::int[]) AS id ON CONFLICT DO NOTHING`,
    (part) => [idsOf(part)],
  );

export const bareUpdate = inParts(
  "UPDATE city SET population = population + 1, updated_at = now() WHERE id = ANY ($1::int[])",
  (part) => [idsOf(part)],
);

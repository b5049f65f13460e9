/** Something that takes a statement with its values. */
interface Queryable {
  query(text: string, values: readonly unknown[]): Promise<unknown>;
}

/** Inserts France, and cities of it with the ids from 1 on: `City 1`, without inhabitants. */
export async function insertCities(sql: Queryable, count: number): Promise<void> {
  await sql.query(
    `WITH france AS (INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE'))
     INSERT INTO city (id, name, country_code, population, latitude, longitude)
     SELECT i, 'City ' || i, 'FR', 0, 0, 0 FROM generate_series(1, $1::int) i`,
    [count],
  );
}

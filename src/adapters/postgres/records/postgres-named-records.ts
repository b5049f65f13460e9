import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { NamedRecords } from "../../../core/records/named-records.ts";
import { problem } from "../../../core/refusals/problems.ts";
import { createStatement } from "../filters/column-to-sql.ts";
import type { FilterPorts } from "../filters/filter-to-sql.ts";
import { filterToSql } from "../filters/filter-to-sql.ts";
import { listedKeysSql, listedMatches } from "../sql/named-records.ts";
import { isDataException } from "./postgres-record-reader.ts";
import type { KeyRow } from "./record-ids.ts";
import { idOfRow, keyList } from "./record-ids.ts";

/** The ports of {@link createPostgresNamedRecords}. */
export interface NamedRecordsPorts extends FilterPorts {
  readonly session: SqlSession;
}

/** Finds records by their unique keys, with one statement for all values of a key. */
export function createPostgresNamedRecords(ports: NamedRecordsPorts): NamedRecords {
  return {
    async find(model, unique, columns, where) {
      const table = await ports.shapes.of(model);
      const fields = unique.fields.map(({ name }) => name);
      const statement = createStatement();
      columns.forEach((texts) => statement.parameter(texts));
      const { joins, condition } = await filterToSql(ports, model, where, "t", statement);
      const values = fields.map((_field, part) => `listed.v${part}`).join(", ");
      const text = `
WITH ${listedKeysSql(table, fields)}
SELECT first_at, found.*
  FROM (SELECT listed.*, min(at) OVER (PARTITION BY ${values}) AS first_at FROM listed) AS listed
  LEFT JOIN LATERAL (
    SELECT ${keyList(model, "t")} FROM ${table.table} t${joins}
     WHERE ${listedMatches(table, fields)} AND ${condition}
  ) AS found ON true
 ORDER BY listed.at`;
      try {
        const rows = await ports.session.query<KeyRow & { readonly first_at: number }>(
          text,
          statement.values,
        );
        return {
          value: rows.map((row) => ({
            id: row["k0"] === null ? undefined : idOfRow(model, row),
            firstAt: row.first_at,
          })),
        };
      } catch (error) {
        if (isDataException(error)) {
          return { problems: [problem(`The value is not one that its column can hold: ${error.message}.`)] };
        }
        throw error;
      }
    },
  };
}

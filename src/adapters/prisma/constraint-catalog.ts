import type { Model } from "../../core/records/model.ts";
import { columnsOf, relationsOf } from "../../core/records/model.ts";
import type { PrismaPort } from "./prisma-client-port.ts";
import type { ConstraintColumns } from "./prisma-problem.ts";

/** Looks up which columns a constraint or unique index is about: errors tell only its name. */
export interface ConstraintCatalog {
  /** Reads the table's constraints on first use; migrations run before the service starts. */
  ofTable(table: Pick<Model, "schema" | "table">): Promise<ConstraintColumns>;
}

const TABLE_CONSTRAINTS = `
SELECT conname AS name, array_agg(attname::text ORDER BY attnum) AS columns
  FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
 WHERE conrelid = to_regclass($1::text)
 GROUP BY conname
UNION
SELECT relname, array_agg(attname::text ORDER BY attnum)
  FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
 WHERE indrelid = to_regclass($1::text) AND indisunique
 GROUP BY relname`;

/** @returns a catalog that reads each table once */
export function createConstraintCatalog(client: Pick<PrismaPort, "$queryRawUnsafe">): ConstraintCatalog {
  const tables = new Map<string, Promise<ConstraintColumns>>();
  const read = async (quoted: string): Promise<ConstraintColumns> => {
    const rows = await client.$queryRawUnsafe<{ name: string; columns: string[] }>(TABLE_CONSTRAINTS, quoted);
    const columns = new Map(rows.map((row) => [row.name, row.columns]));
    return (constraint) => columns.get(constraint);
  };
  return {
    ofTable({ schema, table: name }) {
      const table = [schema, name].map((part) => `"${part.replaceAll('"', '""')}"`).join(".");
      const known = tables.get(table);
      if (known !== undefined) {
        return known;
      }
      const reading = read(table);
      tables.set(table, reading);
      reading.catch(() => tables.delete(table));
      return reading;
    },
  };
}

/** The columns that a constraint named in Prisma's way is about, such as `city_country_code_fkey`; else undefined. */
export function conventionalColumns(model: Model, constraint: string): readonly string[] | undefined {
  const [start, end] = [`${model.table}_`, /_(?:key|fkey)$/.exec(constraint)];
  if (constraint === `${model.table}_pkey`) {
    return model.key.map((field) => field.column);
  }
  if (!constraint.startsWith(start) || end === null) {
    return undefined;
  }
  const columns = new Map(columnsOf(model).map((field) => [field.name, field.column]));
  const sets = [
    ...[...columns.keys()].map((name) => [name]),
    ...relationsOf(model).map((relation) => relation.foreignKey),
  ].map((names) => names.map((name) => columns.get(name) ?? name));
  const middle = constraint.slice(start.length, end.index);
  return sets.find((set) => set.length > 0 && set.join("_") === middle);
}

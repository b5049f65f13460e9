import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { ListedRecord, ListPages, ListPart, ListPlace } from "../../../core/records/list-pages.ts";
import type { Model, RelationField } from "../../../core/records/model.ts";
import { relationsOf } from "../../../core/records/model.ts";
import type { Statement } from "../filters/column-to-sql.ts";
import { createStatement } from "../filters/column-to-sql.ts";
import type { FilterPorts } from "../filters/filter-to-sql.ts";
import { linkOf, relatedTables } from "../filters/filter-to-sql.ts";
import { keyColumns, keyMatches } from "../sql/bulk-target.ts";
import type { ListSource } from "./list-part.ts";
import { cutSql, explainError, partToSql } from "./list-part.ts";
import type { KeyRow } from "./record-ids.ts";
import { idOfRow, keyList } from "./record-ids.ts";

interface ListPagesPorts extends FilterPorts {
  readonly session: SqlSession;
}

type ListRow = KeyRow & { readonly place: ListPlace; readonly owner?: string };

/** Pages in the database's own order, with its own texts of the values: one statement for any number of lists. */
export function createPostgresListPages(ports: ListPagesPorts): ListPages {
  const { models, shapes, session } = ports;
  const run = async (
    model: Model,
    part: ListPart,
    text: string,
    values: readonly unknown[],
  ): Promise<readonly (ListedRecord & { readonly owner: string })[]> => {
    const rows = await session
      .query<ListRow>(text, values)
      .catch(async (error: unknown) => Promise.reject(await explainError(ports, [[model, part]], error)));
    return rows.map((row) => ({ id: idOfRow(model, row), place: row.place, owner: row.owner ?? "" }));
  };
  return {
    async read(name, part) {
      const model = models.get(name);
      const { table } = await shapes.of(model);
      const statement = createStatement();
      const text = await listSql(ports, model, part, statement, {
        alias: "t",
        tables: `${table} t`,
        condition: "TRUE",
      });
      return run(model, part, text, statement.values);
    },
    async readRelated(name, relation, ids, part) {
      const near = models.get(name);
      const field = relationsOf(near).find((candidate) => candidate.name === relation) as RelationField;
      const model = models.get(field.type);
      const [owner, far] = await Promise.all([shapes.of(near), shapes.of(model)]);
      const statement = createStatement();
      const given = statement.parameter(ids);
      const related = relatedTables(linkOf(models, owner, field, far), "t", "owner", statement);
      const source = { alias: "t", ...related };
      // A nested loop over the owners: the rows of each come in the order of its list.
      const text = `
WITH target AS MATERIALIZED (SELECT id, ${keyColumns(owner)} FROM unnest(${given}::text[]) AS id)
SELECT target.id AS owner, page.* FROM target JOIN ${owner.table} owner ON ${keyMatches(owner, "owner", "target")}
 CROSS JOIN LATERAL (${await listSql(ports, model, part, statement, source)}) AS page`;
      const lists = new Map<string, ListedRecord[]>();
      for (const { owner: id, ...listed } of await run(model, part, text, statement.values)) {
        const list = lists.get(id) ?? [];
        lists.set(id, list);
        list.push(listed);
      }
      return lists;
    },
  };
}

/** The keys and places of a part of a list, as k0, k1 … and `place`. */
async function listSql(
  ports: ListPagesPorts,
  model: Model,
  part: ListPart,
  statement: Statement,
  source: ListSource,
): Promise<string> {
  const sql = await partToSql(ports, model, part, source, statement);
  return `
SELECT ${keyList(model, source.alias)}, ${sql.place} AS place ${sql.from}${cutSql(sql)}`;
}

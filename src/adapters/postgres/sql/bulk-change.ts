import type { Json } from "../../../kernel/json.ts";
import type { BulkOperation } from "../../../core/bulk/record-writer.ts";
import type { LinkOperator } from "../../../core/bulk/row-field.ts";
import { toColumnText } from "../../../core/records/column-text.ts";
import type { RecordChange } from "../../../core/records/change.ts";
import type { TableShape } from "../records/table-shape.ts";
import { castText, keepSql, keyMatches, requiredColumn, touches, updateSql } from "./bulk-target.ts";
import { deleteTargets, linkSql, rowChangeSql } from "./bulk-rows.ts";

/** Common table expressions over `target` with their parameters. One of them is `changed`: the keys of the changed rows. */
export interface ChangeSql {
  readonly text: string;
  readonly values: readonly unknown[];
}

const ARITHMETIC: Readonly<Record<string, string>> = { increment: "+", decrement: "-", multiply: "*" };

/**
 * The change that the operation makes to the records in `target`.
 * @param fields the columns beside each record's id; see core's row-field
 * @param firstParameter number of the first free parameter
 * @param returned for creates and updates of rows: what `changed` has besides the keys, from the table as `t`
 */
export function changeSql(
  table: TableShape,
  operation: BulkOperation,
  fields: readonly string[],
  firstParameter: number,
  returned: readonly string[] = [],
): ChangeSql {
  switch (operation.operation) {
    case "DELETE":
      return {
        text: `changed AS (\n  ${deleteTargets(table, fields)}\n)`,
        values: [],
      };
    case "UPDATE":
      return sameChangeSql(table, operation.change, firstParameter);
    case "CREATE":
    case "UPDATE_EACH":
    case "UPSERT":
      return { text: rowChangeSql(table, operation.operation, fields, returned), values: [] };
  }
}

function sameChangeSql(table: TableShape, change: RecordChange, firstParameter: number): ChangeSql {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${firstParameter - 1 + values.push(value)}::text`;
  const assignments: string[] = [];
  const links: string[] = [];
  for (const [name, members] of Object.entries(change)) {
    const join = table.joinTables.get(name);
    for (const [operator, value] of Object.entries(members) as [string, Json][]) {
      if (join === undefined) {
        const column = requiredColumn(table, name);
        const text = castText(column, parameter(toColumnText(column.field, value)));
        const sign = ARITHMETIC[operator];
        assignments.push(
          `${column.name} = ${sign === undefined ? text : `t.${column.name} ${sign} ${text}`}`,
        );
      } else {
        const ids = parameter(JSON.stringify(value));
        const prefix = `link${links.length}`;
        links.push(...linkSql({ join, operator: operator as LinkOperator, ids }, "changed", prefix));
      }
    }
  }
  const update = updateSql(table, [...assignments, ...touches(table)], keyMatches(table, "t", "target"));
  return { text: [`changed AS (\n  ${update}\n)`, ...links, ...keepSql(table)].join(", "), values };
}

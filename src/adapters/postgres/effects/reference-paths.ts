import { refersSql, tableSql } from "./effect-statements.ts";
import type { ForeignKey } from "./foreign-keys.ts";
import { isSameTable } from "./foreign-keys.ts";
import { keyList } from "../records/record-ids.ts";
import { keyColumns, keyMatches } from "../sql/bulk-target.ts";
import type { TableShape } from "../records/table-shape.ts";
import type { Model, TableName } from "../../../core/records/model.ts";

/** How rows of a table refer to records of an exposed model: directly by one step, or through tables in between. */
export interface ReferencePath {
  readonly steps: readonly ForeignKey[];
  readonly model: Model;
}

/**
 * The paths from a table's columns to records of exposed models. Only foreign keys with an action (CASCADE, SET NULL, SET
 * DEFAULT) count: over these, a change to the record at the end may change the row at the start.
 */
export function referencePaths(
  foreignKeys: readonly ForeignKey[],
  models: readonly Model[],
  table: TableName,
  columns: readonly string[],
): readonly ReferencePath[] {
  const follow = (steps: readonly ForeignKey[], at: ForeignKey): readonly ReferencePath[] => {
    const path = [...steps, at];
    const model = models.find((candidate) => isSameTable(candidate, at.to));
    if (model !== undefined) {
      return actsFor(at, model) ? [{ steps: path, model }] : [];
    }
    const isCircle = path.some(({ from }) => isSameTable(from, at.to));
    const further = foreignKeys.filter(({ from }) => isSameTable(from, at.to));
    return isCircle || !acts(at) ? [] : further.flatMap((next) => follow(path, next));
  };
  return foreignKeys
    .filter(({ from }) => isSameTable(from, table))
    .filter((foreignKey) => foreignKey.columns.some((column) => columns.includes(column)))
    .flatMap((foreignKey) => follow([], foreignKey));
}

function acts({ onDelete, onUpdate }: ForeignKey): boolean {
  return onDelete !== "REFUSE" || onUpdate !== "REFUSE";
}

/** Whether the foreign key may pass on a task's change. No task changes a record's key, so ON UPDATE of a key never acts. */
function actsFor({ onDelete, onUpdate, referenced }: ForeignKey, model: Model): boolean {
  const keys = new Set(model.key.map(({ column }) => column));
  return onDelete !== "REFUSE" || (onUpdate !== "REFUSE" && !referenced.every((column) => keys.has(column)));
}

/** For the records with the ids $1, an array: each as `record` with the key of the record that it refers to, if any. */
export function referenceSql(shape: TableShape, { steps, model }: ReferencePath): string {
  const joins = steps.map((step, at) => {
    const from = at === 0 ? "own" : `step${at - 1}`;
    return `JOIN ${tableSql(step.to)} AS step${at} ON ${refersSql(step, from, `step${at}`)}`;
  });
  return `
WITH target AS MATERIALIZED (SELECT id AS record, ${keyColumns(shape)} FROM unnest($1::text[]) AS id)
SELECT target.record, ${keyList(model, `step${steps.length - 1}`)}
  FROM target JOIN ${shape.table} AS own ON ${keyMatches(shape, "own", "target")} ${joins.join(" ")}`;
}

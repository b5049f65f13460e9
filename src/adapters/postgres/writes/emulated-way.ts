import { namedFields, parseRowField } from "../../../core/bulk/row-field.ts";
import type { RecordWork } from "../../../core/bulk/record-writer.ts";
import type { Json } from "../../../kernel/json.ts";
import type { TableName } from "../../../core/records/model.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import { quoteName } from "../../../kernel/sql-session.ts";
import type { ReferringChange } from "../effects/act-on-referring.ts";
import { actOnReferring, ForeignKeyViolation } from "../effects/act-on-referring.ts";
import { refersSql, tableSql, textOf } from "../effects/effect-statements.ts";
import type { ForeignKey } from "../effects/foreign-keys.ts";
import { isSameTable } from "../effects/foreign-keys.ts";
import type { TableShape } from "../records/table-shape.ts";
import { keyMatches, withTargets } from "../sql/bulk-target.ts";
import type { BatchWriting } from "./reach-records.ts";
import type { SetWay } from "./write-set.ts";

/** Whether foreign keys from or to the table are kept in the database's place. */
export function isEmulated(keys: readonly ForeignKey[], table: TableName): boolean {
  return keys.some(({ from, to }) => isSameTable(from, table) || isSameTable(to, table));
}

/**
 * Does beside a write what the database would do if it had the emulated foreign keys: it refuses references to nobody,
 * and refuses, changes or deletes the rows that refer to a record which is deleted or gets other values. A refusal
 * has the form of the database's, so it gets the same words.
 *
 * No foreign key can be broken by a race: a referring write locks the row that it refers to, and a delete locks its
 * record before it looks for rows that refer to it.
 */
export function emulatedWay(writing: BatchWriting, way: SetWay): SetWay {
  const { work, table, emulated, transaction } = writing;
  const session = requiredSession(transaction);
  return {
    ...way,
    async write(batch) {
      const columns = changedColumns(table, emulated, work, batch);
      const before = await readRows(session, table, batch.ids, columns, "FOR UPDATE OF own");
      const errors = await way.write(batch);
      if (before.size > 0) {
        const after = await readRows(session, table, batch.ids, columns);
        const rows = [...before].map(([id, old]) => ({ old, now: after.get(id) }));
        const changes: readonly ReferringChange[] = [
          { table: work.model, isGone: true, rows: rows.filter(({ now }) => now === undefined) },
          { table: work.model, isGone: false, rows: rows.filter(({ now }) => now !== undefined) },
        ];
        for (const change of changes) {
          await actOnReferring(session, emulated, change);
        }
      }
      await checkReferences(session, table, emulated, work, batch);
      await checkLinks(session, table, emulated, work, batch);
      return errors;
    },
  };
}

/** The columns that emulated keys refer to, and that the write may change. */
function changedColumns(
  table: TableShape,
  keys: readonly ForeignKey[],
  work: RecordWork,
  batch: RecordBatch,
): readonly string[] {
  const referenced = new Set(
    keys.filter(({ to }) => isSameTable(to, table.model)).flatMap((key) => key.referenced),
  );
  if (work.operation === "CREATE") {
    return [];
  }
  const written = new Set(writtenColumns(table, work, batch));
  return [...referenced].filter((column) => work.operation === "DELETE" || written.has(column));
}

/** The names of the columns that the write names. */
function writtenColumns(table: TableShape, work: RecordWork, batch: RecordBatch): readonly string[] {
  const fields = work.operation === "UPDATE" ? Object.keys(work.change) : namedFields(batch.fields);
  return fields.flatMap((name) => table.columns.get(name)?.field.column ?? []);
}

type Row = Readonly<Record<string, string | null>>;

/** The records' columns as texts, by id; nothing without columns. */
async function readRows(
  session: SqlSession,
  table: TableShape,
  ids: readonly string[],
  columns: readonly string[],
  lock = "",
): Promise<ReadonlyMap<string, Row>> {
  if (columns.length === 0) {
    return new Map();
  }
  const rows = await session.query<{ id: string; values: readonly (string | null)[] }>(
    `${withTargets(table)}
SELECT target.id, ARRAY[${textOf("own", columns)}] AS values
  FROM target JOIN ${table.table} AS own ON ${keyMatches(table, "own", "target")} ${lock}`,
    [ids],
  );
  return new Map(
    rows.map(({ id, values }) => [
      id,
      Object.fromEntries(columns.map((column, at) => [column, values[at] ?? null])),
    ]),
  );
}

/** @throws ForeignKeyViolation for a written record that refers to a row that is not there */
async function checkReferences(
  session: SqlSession,
  table: TableShape,
  keys: readonly ForeignKey[],
  work: RecordWork,
  batch: RecordBatch,
): Promise<void> {
  if (work.operation === "DELETE") {
    return;
  }
  const written = new Set(writtenColumns(table, work, batch));
  const own = keys.filter(({ from }) => isSameTable(from, table.model));
  for (const key of own.filter(({ columns }) => columns.some((column) => written.has(column)))) {
    const present = key.columns.map((column) => `own.${quoteName(column)} IS NOT NULL`).join(" AND ");
    const [row] = await session.query<{ values: readonly string[] }>(
      `${withTargets(table)}
SELECT ARRAY[${textOf("own", key.columns)}] AS values
  FROM target JOIN ${table.table} AS own ON ${keyMatches(table, "own", "target")}
  LEFT JOIN LATERAL (
    SELECT TRUE AS is_there FROM ${tableSql(key.to)} AS other WHERE ${refersSql(key, "own", "other")} FOR KEY SHARE
  ) found ON TRUE
 WHERE ${present} AND found.is_there IS NULL LIMIT 1`,
      [batch.ids],
    );
    if (row !== undefined) {
      throw ForeignKeyViolation.ofMissing(key, row.values);
    }
  }
}

/** @throws ForeignKeyViolation for a link to a record that is not there */
async function checkLinks(
  session: SqlSession,
  table: TableShape,
  keys: readonly ForeignKey[],
  work: RecordWork,
  batch: RecordBatch,
): Promise<void> {
  for (const [name, { table: joinTable, far }] of table.joinTables) {
    const ids = addedLinks(work, batch, name);
    const key = keys.find(
      ({ from, columns }) => tableSql(from) === joinTable && quoteName(columns[0] ?? "") === far.name,
    );
    const [row] =
      key === undefined || ids.length === 0
        ? []
        : await session.query<{ id: string }>(
            `SELECT wanted.id FROM unnest($1::text[]) AS wanted (id) LEFT JOIN LATERAL (
  SELECT TRUE AS is_there FROM ${tableSql(key.to)} AS other
   WHERE other.${quoteName(key.referenced[0] ?? "")} = wanted.id::${far.type} FOR KEY SHARE
) found ON TRUE WHERE found.is_there IS NULL LIMIT 1`,
            [ids],
          );
    if (key !== undefined && row !== undefined) {
      throw ForeignKeyViolation.ofMissing(key, [row.id]);
    }
  }
}

/** The ids that the write links over a relation. */
function addedLinks(work: RecordWork, { fields, columns }: RecordBatch, name: string): readonly string[] {
  if (work.operation === "UPDATE") {
    const { add, set } = (work.change[name] ?? {}) as { add?: Json; set?: Json };
    return [add, set].flatMap((ids) => (ids ?? []) as readonly string[]);
  }
  return fields.flatMap((text, at) => {
    const field = parseRowField(text);
    const isAdded = field.kind === "LINKS" && field.field === name && field.operator !== "remove";
    return isAdded
      ? (columns[at] ?? []).flatMap((ids) => (ids === null ? [] : (JSON.parse(ids) as readonly string[])))
      : [];
  });
}

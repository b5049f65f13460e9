import type { Pool } from "pg";

import { canTransition, type TaskStatus } from "../../src/core/tasks/task-status.ts";
import { CHECK_VIEWS, CHECKS } from "./checks.ts";
import type { Ledger } from "./ledger.ts";

/** The stores to check after a round. */
export interface Aftermath {
  readonly sql: Pool;
  readonly ledger: Ledger;
}

/** The most reported rows of each kind. */
const MAX_TOLD = 5;

/** Everything that is wrong in the database; empty after a correct round. */
export async function findWrongs({ sql, ledger }: Aftermath): Promise<readonly string[]> {
  await sql.query(CHECK_VIEWS);
  const found: string[] = [];
  for (const check of CHECKS) {
    found.push(...describeFindings(check.wrong, (await sql.query(check.sql)).rows));
  }
  const { rows: moves } = await sql.query<{ old_status: TaskStatus; new_status: TaskStatus }>(
    "SELECT DISTINCT old_status, new_status FROM chaos.transition",
  );
  const forbidden = moves.filter((move) => !canTransition(move.old_status, move.new_status));
  return [
    ...found,
    ...(await describeHistory(sql, found)),
    ...describeFindings("a status moved as the table of transitions forbids", forbidden),
    ...(await findBrokenPromises(sql, ledger)),
  ];
}

/** Compares the clients' answers with the database. */
async function findBrokenPromises(sql: Pool, ledger: Ledger): Promise<readonly string[]> {
  const { rows: tasks } = await sql.query<{ id: string; label: string; withdrawn: boolean }>(
    "SELECT id::text, label, status = 'FAILED' AND attempt = 0 AS withdrawn FROM powercrud.task",
  );
  const labels = new Map(tasks.map(({ id, label }) => [id, label]));
  const launched = new Set(tasks.filter(({ withdrawn }) => !withdrawn).map(({ label }) => label));
  const { rows: writes } = await sql.query<{ mark: string }>(
    "SELECT mark FROM chaos.written WHERE mark LIKE 'single-%' UNION ALL SELECT notes FROM city WHERE id >= 1000000000",
  );
  const marks = new Set(writes.map(({ mark }) => mark));
  const { launches, singles, answers } = ledger;
  return [
    ...describeFindings(
      "an answer was an unexpected error",
      [...answers.keys()].filter((answer) => answer.includes("INTERNAL")),
    ),
    ...describeFindings("a write or a launch was refused because of Redis", ledger.redisRefusals),
    ...describeFindings(
      "an accepted launch has no task",
      launches.filter(({ taskId, key }) => taskId !== undefined && labels.get(taskId) !== key),
    ),
    ...describeFindings(
      "a refused launch has a task",
      launches.filter((one) => one.answer === "REFUSED" && !one.hasUnheardTries && launched.has(one.key)),
    ),
    ...describeFindings(
      "an accepted write of one record did not happen",
      singles.filter(({ answer, mark }) => answer === "ACCEPTED" && !marks.has(mark)),
    ),
    ...describeFindings(
      "a refused write of one record happened",
      singles.filter(({ answer, mark }) => answer === "REFUSED" && marks.has(mark)),
    ),
  ];
}

/** The history of the tasks that the findings name, in the order of time. */
async function describeHistory(sql: Pool, findings: readonly string[]): Promise<readonly string[]> {
  const labels = [...new Set(findings.flatMap((finding) => finding.match(/bulk-\d+\+\d+/g) ?? []))];
  const { rows } = await sql.query<{ line: string }>(HISTORY, [labels]);
  return rows.map(({ line }) => line);
}

/** $1 labels. */
const HISTORY = `
  SELECT to_char(at, 'HH24:MI:SS.MS') || ' ' || label || ' ' || what AS line FROM (
    SELECT e.at, t.label, e.type || coalesce(' ' || e.message, '') AS what
    FROM powercrud.event e JOIN powercrud.task t ON t.id = e.task_id WHERE t.label = ANY ($1)
    UNION ALL
    SELECT c.at, t.label, c.old_status || ' to ' || c.new_status
    FROM chaos.transition c JOIN powercrud.task t ON t.id = c.task_id WHERE t.label = ANY ($1)
    UNION ALL
    SELECT at, mark, 'writes ' || cardinality(ids) || ' from ' || ids[1] || ', owned by ' || foreign_owners::text
    FROM chaos.write WHERE mark = ANY ($1)
  ) history ORDER BY at`;

/** One line for rows that should not be there; none without rows. */
export function describeFindings(wrong: string, rows: readonly unknown[]): readonly string[] {
  return rows.length === 0 ? [] : [`${wrong} (${rows.length}): ${JSON.stringify(rows.slice(0, MAX_TOLD))}`];
}

/** The locks that are left; it may take the sweeper a moment to release them. */
export async function findLeftLocks(sql: Pool): Promise<readonly string[]> {
  const { rows } = await sql.query("SELECT owner, model, ticket FROM powercrud.lock");
  return describeFindings("a lock is left", rows);
}

import { MAX_TRIAL_ERRORS } from "../../../core/bulk/chunk-writer.ts";

/** Where a statement's parameters are. */
interface RecordParameters {
  readonly outcome: string;
  /** Left out: any record. */
  readonly recordId?: string;
  /** Left out: all records of a chunk. */
  readonly window?: { readonly after: string; readonly before: string; readonly limit: string };
  readonly isBackward?: boolean;
}

/**
 * The records of chunk `c` of task `t` with what became of each. Chunks of a dry run are never DONE: if it tried them all and
 * kept all errors, its other records count as SUCCEEDED. Without an outcome or a record to look for, no more of them than the page
 * holds.
 */
function chunkRecords({ outcome, recordId = "NULL", window, isBackward = false }: RecordParameters): string {
  const page =
    window === undefined
      ? ""
      : `WHERE u.at > part.low AND u.at < part.high AND (${recordId}::text IS NULL OR u.id = ${recordId}::text)
         AND (${outcome}::text IS NOT NULL OR ${recordId}::text IS NOT NULL OR ${
           isBackward
             ? `u.at >= part.high - ${window.limit}::integer`
             : `u.at <= part.low + ${window.limit}::integer`
         })`;
  return `
    SELECT u.at::integer AS number, u.id, e.code, e.message, coalesce(e.outcome, CASE
             WHEN c.status = 'DONE' OR t.is_dry_run AND t.finished_at IS NOT NULL
               AND t.succeeded + t.failed + t.skipped = t.total AND t.failed + t.skipped <= ${MAX_TRIAL_ERRORS}
             THEN 'SUCCEEDED' ELSE 'UNPROCESSED' END) AS outcome
    FROM unnest(c.ids) WITH ORDINALITY AS u(id, at)
    LEFT JOIN LATERAL (
      SELECT outcome, code, message FROM powercrud.task_error
      WHERE task_id = t.id AND hashtextextended(record_id, 0) = hashtextextended(u.id, 0) AND record_id = u.id
      ORDER BY position LIMIT 1
    ) e ON true
    ${page}`;
}

/** Leaves out chunks whose counts say that they have no such record: nothing of them is looked up. */
const mayHave = (outcome: string): string => `
  (${outcome}::text IS NULL OR c.status <> 'DONE' OR 0 < CASE ${outcome}::text
     WHEN 'SUCCEEDED' THEN c.succeeded WHEN 'FAILED' THEN c.failed WHEN 'SKIPPED' THEN c.skipped ELSE 0 END)`;

/**
 * $1 tasks, $2 and $3 the chunk and number of the record to start after, $4 and $5 those of the record to end before, $6 limit
 * for each task, $7 outcome, $8 the id of a record; all but $1 and $6 may be null. Reads chunk after chunk until it has enough, so a page costs the
 * same anywhere in the list, and for any chunk size. A backward page comes in the list's order, too.
 */
export function listRecordPages(isBackward = false): string {
  const direction = isBackward ? "DESC" : "ASC";
  const [outcome, recordId] = ["$7", "$8"];
  const window = { after: "$2", before: "$4", limit: "$6" };
  const nextChunk = (condition: string): string => `
    SELECT c.*, CASE WHEN c.number = $2::integer THEN $3::integer ELSE 0 END AS low,
           CASE WHEN c.number = $4::integer THEN $5::integer ELSE cardinality(c.ids) + 1 END AS high
    FROM powercrud.chunk c
    WHERE c.task_id = t.id AND c.number >= coalesce($2::integer, 0) AND c.number <= coalesce($4::integer, 2147483647)
      AND ${condition} AND ${mayHave(outcome)} AND (${recordId}::text IS NULL OR ${recordId}::text = ANY (c.ids))
    ORDER BY c.number ${direction} LIMIT 1`;
  const counted = `
    SELECT c.number, c.low, c.high, CASE WHEN ${outcome}::text IS NULL THEN greatest(0, c.high - c.low - 1) ELSE (
        SELECT count(*)::integer FROM (SELECT c.low, c.high) part CROSS JOIN LATERAL (
          ${chunkRecords({ outcome, recordId, window, isBackward })}
        ) r WHERE r.outcome = ${outcome}::text
      ) END AS count`;
  return `
    SELECT t.id::text AS task_id, page.*
    FROM powercrud.task t CROSS JOIN LATERAL (
      WITH RECURSIVE part AS (
        (SELECT first.number, first.low, first.high, first.count AS sum
         FROM (${nextChunk("true")}) c CROSS JOIN LATERAL (${counted}) first)
        UNION ALL
        SELECT next.number, next.low, next.high, part.sum + next.count
        FROM part
        CROSS JOIN LATERAL (${nextChunk(`c.number ${isBackward ? "<" : ">"} part.number`)}) c
        CROSS JOIN LATERAL (${counted}) next
        WHERE part.sum < $6::integer
      )
      SELECT part.number AS chunk, r.number, r.id, r.outcome, r.code, r.message
      FROM part JOIN powercrud.chunk c ON c.task_id = t.id AND c.number = part.number
      CROSS JOIN LATERAL (${chunkRecords({ outcome, recordId, window, isBackward })}) r
      WHERE ${outcome}::text IS NULL OR r.outcome = ${outcome}::text
      ORDER BY part.number ${direction}, r.number ${direction} LIMIT $6::integer
    ) page
    WHERE t.id = ANY ($1::uuid[])
    ORDER BY t.id, page.chunk, page.number`;
}

/** $1 tasks, $2 outcome or null. The number of each task's records; DONE chunks have counted theirs. */
export const COUNT_RECORDS = `
  SELECT t.id::text AS task_id, sum(CASE
           WHEN $2::text IS NULL THEN cardinality(c.ids)
           WHEN c.status = 'DONE' THEN CASE $2::text
             WHEN 'SUCCEEDED' THEN c.succeeded WHEN 'FAILED' THEN c.failed WHEN 'SKIPPED' THEN c.skipped ELSE 0 END
           ELSE (SELECT count(*) FROM (${chunkRecords({ outcome: "$2" })}) r WHERE r.outcome = $2::text)
         END)::integer AS count
  FROM powercrud.task t JOIN powercrud.chunk c ON c.task_id = t.id
  WHERE t.id = ANY ($1::uuid[])
  GROUP BY t.id`;

/** $1 task, $2 number of its chunk or null for all, $3 limit. The records of DONE chunks that were written. */
export const WRITTEN_IDS = `
  SELECT r.id FROM powercrud.task t JOIN powercrud.chunk c ON c.task_id = t.id
  CROSS JOIN LATERAL (${chunkRecords({ outcome: "NULL" })}) r
  WHERE t.id = $1::uuid AND c.status = 'DONE' AND ($2::integer IS NULL OR c.number = $2::integer)
    AND r.outcome = 'SUCCEEDED'
  LIMIT $3::integer`;

import type { SqlSession } from "../../kernel/sql-session.ts";
import type { RecordBatch } from "../../core/tasks/record-batch.ts";
import type { NewTaskError } from "../../core/tasks/task-error.ts";
import { constraintProblem } from "./constraint-problem.ts";
import type { SetWriter } from "./record-set-writer.ts";
import { writeRecordSet } from "./record-set-writer.ts";
import { lockRecordsSql } from "./sql/bulk-record-set.ts";
import type { TableShape } from "./table-shape.ts";

/** Records that were locked. */
export interface LockedRecords {
  readonly present: ReadonlySet<string>;
  /** Ids that the column of the key cannot hold, each by itself: one of them would fail the statement for all. */
  readonly errors: readonly NewTaskError[];
}

/** Locks the records that are there until the transaction ends. */
export async function lockRecords(
  session: SqlSession,
  table: TableShape,
  batch: RecordBatch,
): Promise<LockedRecords> {
  const present = new Set<string>();
  const locker: SetWriter = {
    isOnExisting: false,
    async write({ ids }) {
      const rows = await session.query<{ id: string }>(lockRecordsSql(table), [ids]);
      rows.forEach(({ id }) => present.add(id));
      return [];
    },
    refusalOf(error) {
      const problem = constraintProblem(error, table);
      return Promise.resolve(problem && { problem, isForAll: false });
    },
  };
  const { errors } = await writeRecordSet(session, table, locker, batch);
  return { present, errors };
}

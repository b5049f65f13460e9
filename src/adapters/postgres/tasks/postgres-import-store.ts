import type { SqlSession } from "../../../kernel/sql-session.ts";
import { isUuid } from "../../../kernel/ids.ts";
import { toStorableText } from "../../../kernel/json.ts";
import type { ImportState, ImportStore, Received, Receiver } from "../../../core/imports/import-store.ts";
import type { FailedRow, ReceivedLaunch, StagedPage, WholeFile } from "../../../core/imports/import-store.ts";
import { processedOf } from "../../../core/tasks/progress.ts";
import type { UnitOfWork } from "../../../core/transactions/transaction.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import {
  BEGIN_IMPORTED,
  DROP_CHUNKS,
  DROP_ERRORS,
  DROP_ROWS,
  FAILED_ROWS,
  FIND_EXPIRED,
  FIND_IMPORTS,
  FIND_ORIGIN,
  IMPORT_MARKS,
  INSERT_LEFT_OUT,
  LEAVE_RECORDS_OUT,
  NOTE_ALL_RECEIVED,
  NOTE_HEAD,
  OPEN_IMPORT,
  RENEW_IMPORT,
  STAGE_ROWS,
  TAKE_IMPORT,
  TIDY_IMPORTS,
} from "../sql/imports.ts";
import { joinColumns, joinIds } from "../sql/joined-texts.ts";
import { INSERT_TASK_ERRORS } from "../sql/results.ts";
import { taskErrorColumns } from "./task-errors.ts";

/** Imports as rows of `powercrud.import`, with the values to write in the chunks of their tasks. */
export function createPostgresImportStore({
  session,
  unitOfWork,
}: {
  /** For statements outside a transaction. */
  readonly session: SqlSession;
  readonly unitOfWork: UnitOfWork;
}): ImportStore {
  const isDone = async (text: string, values: readonly unknown[]): Promise<boolean> =>
    (await session.query(text, values)).length > 0;
  return {
    async open(transaction, { taskId, form, fileName, aliveUntil }) {
      const values = [taskId, JSON.stringify(form), fileName, aliveUntil];
      await requiredSession(transaction).query(OPEN_IMPORT, values);
    },
    take: ({ taskId, receiver, aliveUntil }) => isDone(TAKE_IMPORT, [taskId, receiver, aliveUntil]),
    renew: (receiver, received) => isDone(RENEW_IMPORT, receivedValues(receiver, received)),
    async noteHead({ taskId, receiver }, { text, separator }) {
      await session.query(NOTE_HEAD, [taskId, receiver, toStorableText(text), separator]);
    },
    stage: (receiver, page, received) =>
      unitOfWork.run((transaction) => stage(requiredSession(transaction), receiver, page, received)),
    begin: (transaction, launch) => begin(requiredSession(transaction), launch),
    async noteReceived(file) {
      await session.query(NOTE_ALL_RECEIVED, allReceived(file));
    },
    async dropRows(taskId, what) {
      await session.query(DROP_CHUNKS, [taskId]);
      if (what === "ALL") {
        await session.query(DROP_ERRORS, [taskId]);
        await session.query(DROP_ROWS, [taskId]);
      }
    },
    async find(taskIds) {
      const rows = await session.query<ImportRow>(FIND_IMPORTS, [taskIds.filter(isUuid)]);
      return new Map(rows.map((row) => [row.taskId, toState(row)]));
    },
    async origin(taskId) {
      const [row] = isUuid(taskId) ? await session.query<ImportRow>(FIND_ORIGIN, [taskId]) : [];
      return row && toState(row);
    },
    failedRows: (taskId, origin, after, limit) =>
      session.query<FailedRow>(FAILED_ROWS, [taskId, origin, after, limit]),
    async findExpired(at, limit) {
      const rows = await session.query<{ id: string }>(FIND_EXPIRED, [at, limit]);
      return rows.map(({ id }) => id);
    },
    async tidy(limit) {
      return (await session.query(TIDY_IMPORTS, [limit])).length;
    },
  };
}

async function begin(within: SqlSession, launch: ReceivedLaunch): Promise<boolean> {
  const { taskId, claims, input, received, skipped } = launch;
  const counts = [received.rows, received.rejected, skipped.length];
  const begun = await within.query(BEGIN_IMPORTED, [
    taskId,
    JSON.stringify(claims),
    JSON.stringify(input),
    ...counts,
  ]);
  if (begun.length === 0) {
    return false;
  }
  await within.query(NOTE_ALL_RECEIVED, allReceived(launch));
  const ids = skipped.flatMap(({ recordId }) => recordId ?? []);
  if (processedOf({ succeeded: 0, failed: received.rejected, skipped: ids.length }) > 0) {
    await within.query(INSERT_LEFT_OUT, [taskId, received.rejected, ids]);
  }
  if (ids.length > 0) {
    const left = await within.query<{ id: string; index: number }>(LEAVE_RECORDS_OUT, [taskId, ids]);
    const places = new Map(left.map(({ id, index }) => [id, index]));
    const errors = skipped.map((error) => {
      const index = places.get(error.recordId ?? "");
      return index === undefined ? error : { ...error, index };
    });
    await within.query(INSERT_TASK_ERRORS, [taskId, ...taskErrorColumns(errors)]);
  }
  return true;
}

async function stage(
  session: SqlSession,
  receiver: Receiver,
  page: StagedPage,
  received: Received,
): Promise<boolean> {
  const { firstRow, rows, batches, chunksBefore, errors } = page;
  const ids = await joinIds(batches.map((batch) => batch.ids));
  const columns = await joinColumns(batches, IMPORT_MARKS);
  const kept = await session.query(STAGE_ROWS, [
    ...receivedValues(receiver, received),
    firstRow,
    rows.map(({ line }) => line),
    rows.map(({ text }) => storableRow(text)).join(IMPORT_MARKS.separator),
    chunksBefore,
    ids.texts,
    ids.separator,
    batches.map(({ fields }) => JSON.stringify(fields)),
    columns.texts,
    columns.divider,
    columns.separator,
    columns.nullMark,
  ]);
  if (kept.length > 0 && errors.length > 0) {
    await session.query(INSERT_TASK_ERRORS, [receiver.taskId, ...taskErrorColumns(errors)]);
  }
  return kept.length > 0;
}

function storableRow(text: string): string {
  return toStorableText(text).replaceAll(IMPORT_MARKS.separator, "\uFFFD");
}

function receivedValues(
  { taskId, receiver, aliveUntil }: Receiver,
  { bytes, rows, rejected }: Received,
): readonly unknown[] {
  return [taskId, receiver, aliveUntil, bytes, rows, rejected];
}

function allReceived({ taskId, received, contentHash, readOnlyColumns }: WholeFile): readonly unknown[] {
  const { bytes, rows, rejected } = received;
  return [taskId, rows, rejected, bytes, contentHash, readOnlyColumns];
}

type ImportRow = Omit<ImportState, "head"> & {
  readonly head: string | null;
  readonly separator: string | null;
};

function toState({ head, separator, ...row }: ImportRow): ImportState {
  return { ...row, head: head === null || separator === null ? undefined : { text: head, separator } };
}

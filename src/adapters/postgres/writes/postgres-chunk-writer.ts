import { AppError, isAppError } from "../../../kernel/app-error.ts";
import { GIVEN_UP, isStatementTimeout } from "../../../kernel/unavailable-error.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { ChunkWriter, StoredLinks } from "../../../core/bulk/chunk-writer.ts";
import { isLostRace, retryLostRaces } from "../connection/lost-race.ts";
import { AWAIT_CHUNKS, LIST_FIELDS } from "../sql/bulk-chunk-steps.ts";
import { LINKS_TO_RETRY } from "../sql/chunks.ts";
import { WRITTEN_IDS } from "../sql/task-records.ts";
import type { TrialPorts } from "./write-all-chunks.ts";
import { tryAllChunks, writeAllChunks } from "./write-all-chunks.ts";
import { countWritten, writeNextChunk } from "./write-chunk.ts";

/** Writes chunks with set-based SQL. */
export function createPostgresChunkWriter(ports: TrialPorts): ChunkWriter {
  return {
    writeNextChunk: (work) => masked(() => retryLostRaces(() => writeNextChunk(ports, work))),
    writeAllChunks: (work, run) => masked(() => writeAllChunks(ports, work, run)),
    tryAllChunks: (work, errorPolicy, run) => masked(() => tryAllChunks(ports, work, errorPolicy, run)),
    untilWritten: (taskId) => masked(() => untilWritten(ports.session, taskId)),
    listFields: (taskId) =>
      masked(async () => {
        const rows = await ports.session.query<{ field: string }>(LIST_FIELDS, [taskId]);
        return rows.map(({ field }) => field);
      }),
    listLinks: (taskId, records) =>
      masked(() =>
        ports.session.query<StoredLinks>(LINKS_TO_RETRY, [
          taskId,
          records !== "UNPROCESSED",
          records !== "FAILED",
        ]),
      ),
    listWritten: (taskId, { limit, number = null }) =>
      masked(async () => {
        const rows = await ports.session.query<{ id: string }>(WRITTEN_IDS, [taskId, number, limit]);
        return rows.map(({ id }) => id);
      }),
    countWritten: (taskId) => masked(() => countWritten(ports.session, taskId)),
  };
}

/** Waits until no other transaction writes a chunk of the task, at most for the statement timeout. */
async function untilWritten(session: SqlSession, taskId: string): Promise<void> {
  try {
    await session.query(AWAIT_CHUNKS, [taskId]);
  } catch (error) {
    if (!isStatementTimeout(error)) {
      throw error;
    }
  }
}

/** Hides the database's own error text from the task's message; it is kept as the cause, for the log. */
async function masked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // First: transactions of other clients report a timeout in other forms, some of them an AppError.
    if (isStatementTimeout(error)) {
      throw new AppError("TASK_FAILED", `${GIVEN_UP} Try again with retryTask.`, { cause: error });
    }
    if (isAppError(error)) {
      throw error;
    }
    // A lost race is treated like an unreachable database: the attempt is abandoned, and made again later.
    throw isLostRace(error)
      ? new AppError("UNAVAILABLE", "Other transactions hold what this one needs.", { cause: error })
      : new AppError("INTERNAL", "The database refused the change.", { cause: error });
  }
}

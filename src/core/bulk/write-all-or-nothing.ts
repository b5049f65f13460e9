import type { Counts } from "../tasks/progress.ts";
import type { AttemptContext, HandlerResult } from "../tasks/task-definition.ts";
import type { NewTaskError } from "../tasks/task-error.ts";
import { fenced, isCancellation } from "./attempt-stop.ts";
import type { BulkWork, BulkWriter } from "./bulk-writer.ts";

/** ALL_OR_NOTHING: all chunks in one transaction, or nothing. */
export async function writeAllOrNothing(
  writer: BulkWriter,
  work: BulkWork,
  context: AttemptContext,
): Promise<HandlerResult> {
  const result = await writer
    .writeAllChunks(work, (counts) => context.reportProgress(counts), context.signal)
    .catch(cancelledOrThrown);
  switch (result.kind) {
    case "WRITTEN":
      return { counts: (await writer.countWritten(work.taskId)).counts };
    case "FENCED":
      throw fenced();
    case "CANCELLED":
      return { counts: (await writer.countWritten(work.taskId)).counts, isCancelled: true };
    case "REFUSED":
      return {
        message: `Nothing was changed. ${describeFirst(result.errors)}`.trimEnd(),
        counts: await countsOfRefusal(writer, work.taskId, result.errors),
        failure: { errors: result.errors },
      };
  }
}

/** For what writing all chunks together throws: a cancel leaves nothing of them, as a refusal does. */
export function cancelledOrThrown(error: unknown): { readonly kind: "CANCELLED" } {
  if (isCancellation(error)) {
    return { kind: "CANCELLED" };
  }
  throw error;
}

/** Besides the failures only what was skipped at the launch: all else was rolled back. */
export async function countsOfRefusal(
  writer: BulkWriter,
  taskId: string,
  errors: readonly NewTaskError[],
): Promise<Counts> {
  const { counts } = await writer.countWritten(taskId);
  return { ...counts, failed: errors.filter(({ recordId }) => recordId !== null).length };
}

/** What was wrong with the first record, in words; empty where nothing is known to have been. */
export function describeFirst([first]: readonly NewTaskError[]): string {
  if (first === undefined) {
    return "";
  }
  return first.recordId === null ? first.message : `Record ${first.recordId}: ${first.message}`;
}

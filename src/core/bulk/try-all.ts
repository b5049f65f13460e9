import type { AttemptContext, HandlerResult } from "../tasks/task-definition.ts";
import type { Counts } from "../tasks/progress.ts";
import { processedOf } from "../tasks/progress.ts";
import type { ChunkWork, ChunkWriter, TrialResult } from "./chunk-writer.ts";
import {
  cancelledOrThrown,
  countsOfRefusal,
  describeFirst,
  fenced,
  wholeRunOf,
} from "./write-all-or-nothing.ts";

const NOTHING_CHANGED = "Dry run: nothing was changed.";

/** A dry run: does all that the task would do, tells what would have become of it, and leaves nothing of it. */
export async function tryAll(
  writer: ChunkWriter,
  work: ChunkWork,
  context: AttemptContext,
): Promise<HandlerResult> {
  const result = await writer
    .tryAllChunks(work, context.task.errorPolicy, wholeRunOf(context))
    .catch(cancelledOrThrown);
  switch (result.kind) {
    case "TRIED":
      return { message: describeTrial(result), counts: result.counts, errors: result.errors };
    case "REFUSED":
      return {
        message: `${NOTHING_CHANGED} The task would have failed: ${describeFirst(result.errors)}`,
        counts: await countsOfRefusal(writer, work.taskId, result.errors),
        failure: { errors: result.errors },
      };
    case "FENCED":
      throw fenced();
    case "CANCELLED":
      return { counts: (await writer.countWritten(work.taskId)).counts, isCancelled: true };
  }
}

function describeTrial({ counts, errors, errorCount }: Extract<TrialResult, { kind: "TRIED" }>): string {
  const omitted =
    errorCount > errors.length ? ` Of ${errorCount} errors the first ${errors.length} are listed.` : "";
  return `${NOTHING_CHANGED} ${describeCounts(counts)}${omitted}`;
}

function describeCounts(counts: Counts): string {
  const { succeeded, failed, skipped } = counts;
  const all = processedOf(counts);
  if (all === 0) {
    return "No records were selected.";
  }
  if (all === 1) {
    const fate = succeeded === 1 ? "been written" : failed === 1 ? "failed" : "been skipped";
    return `The only record would have ${fate}.`;
  }
  return `Of ${all} records ${succeeded} would have been written, ${failed} would have failed, and ${skipped} would have been skipped.`;
}

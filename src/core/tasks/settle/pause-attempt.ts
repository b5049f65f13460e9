import { errorFields } from "../../../kernel/logger.ts";
import { recordEvent } from "../../events/record-event.ts";
import { runOrRollBack } from "../../transactions/run-or-roll-back.ts";
import type { Progress } from "../progress.ts";
import { countsOf, progressOf } from "../progress.ts";
import type { PostponedTasks } from "../postponed-tasks.ts";
import type { TaskAttempts } from "../task-attempts.ts";
import type { PauseResult, TaskPauses } from "../task-pauses.ts";
import { enqueueNext } from "./enqueue-postponed.ts";
import type { TaskReads } from "../task-reads.ts";
import type { TaskPorts } from "./task-ports.ts";

/** What pausing needs. */
export type PausePorts = Omit<
  TaskPorts<TaskReads & TaskAttempts & TaskPauses & Pick<PostponedTasks, "giveSlots">>,
  "locks" | "hooks"
>;

/**
 * Makes a RUNNING task PAUSED, as was asked for, with what its chunks have committed. Its attempt is over, whether its
 * worker knows or is dead.
 * @param progress what the attempt reported; counts for a task without chunks
 */
export async function pauseAttempt(
  ports: PausePorts,
  { taskId, attempt }: { readonly taskId: string; readonly attempt: number },
  progress: Progress,
): Promise<PauseResult> {
  const paused = await runOrRollBack<PauseResult>(ports.unitOfWork, async (transaction) => {
    const done = await ports.tasks.lockDone(transaction, taskId, attempt);
    if (done === undefined) {
      return { rollBack: { kind: "FENCED" } };
    }
    const shown = {
      ...progressOf(progress.total, done.counts ?? countsOf(progress)),
      message: progress.message,
    };
    const end = { taskId, attempt, at: ports.clock.now(), progress: shown };
    const result = await ports.tasks.pauseRunning(transaction, end);
    if (result.kind === "PAUSED") {
      await recordEvent(ports, transaction, { taskId, type: "PAUSE", progress: shown });
    }
    return { commit: result };
  });
  if (paused.kind === "PAUSED") {
    await freeSlot(ports, taskId);
  }
  return paused;
}

/** A PAUSED task has no slot of its concurrency key. Should this fail, the sweeper does it. */
export async function freeSlot(ports: PausePorts, taskId: string): Promise<void> {
  await enqueueNext(ports, taskId).catch((error: unknown) => {
    ports.logger.warn(
      { ...errorFields(error), taskId },
      "the slot of a paused task was left for the sweeper",
    );
  });
}

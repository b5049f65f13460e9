import type { LockRefusal } from "../locks/lock-store.ts";
import type { ConflictRefusal } from "./refusals.ts";
import { isFinal } from "../tasks/task-status.ts";
import type { TaskReads } from "../tasks/task-reads.ts";
import { HIDDEN_TASK_ID } from "../tasks/task-sight.ts";
import type { Task } from "../tasks/task.ts";

/**
 * The refusal of a claim, with the tasks that hold the records, read in one look-up.
 * @param nameOf a model's name for the caller. Default: its own
 */
export async function conflictRefusal(
  tasks: Pick<TaskReads, "find">,
  refused: LockRefusal,
  nameOf: (model: string) => string = (model) => model,
): Promise<ConflictRefusal> {
  const owners = await tasks.find([...new Set(refused.conflicts.map((conflict) => conflict.owner))]);
  const conflicts = refused.conflicts.flatMap((conflict) => {
    const heldBy = owners.get(conflict.owner);
    return heldBy === undefined ? [] : [{ ...conflict, heldBy }];
  });
  return {
    kind: "CONFLICT",
    message: describeConflict({ ...refused, conflicts }, nameOf),
    conflicts,
    totalConflicts: refused.totalConflicts,
  };
}

/** The conflict in words. A holder that the caller may not see is "another task". */
export function describeConflict(
  { conflicts, totalConflicts }: Pick<ConflictRefusal, "conflicts" | "totalConflicts">,
  nameOf: (model: string) => string,
): string {
  const [first] = conflicts;
  if (first === undefined) {
    return "The records are held by another task. Try again when it has settled.";
  }
  const { id, model, heldBy } = first;
  const name = nameOf(model);
  const what = id === null ? `All of ${name}` : `${name} ${id}`;
  const more = totalConflicts > 1 ? ` and ${totalConflicts - 1} more` : "";
  const isMany = totalConflicts > 1 || id === null;
  const isHidden = heldBy.id === HIDDEN_TASK_ID;
  const about = isHidden ? percentOf(heldBy) : facts(heldBy);
  const holder = `by ${isHidden ? "another task" : `task ${heldBy.id}`}${about === "" ? "" : ` (${about})`}`;
  // It may have settled after the refusal.
  return isFinal(heldBy.status)
    ? `${what}${more} ${isMany ? "were" : "was"} held ${holder}, which has settled by now. Try again.`
    : `${what}${more} ${isMany ? "are" : "is"} ${verbOf(heldBy)} ${holder}. Try again when it has settled.`;
}

/** A WAITING task holds nothing, but is in line before later claims. */
function verbOf({ status }: Task): string {
  return status === "WAITING" ? "waited for" : "held";
}

function facts(task: Task): string {
  const { kind, viewer } = task;
  const launched = viewer.id === null ? "" : `launched by ${viewer.id}`;
  return [kind, launched, percentOf(task)].filter((fact) => fact !== "").join(", ");
}

function percentOf({ progress, status }: Task): string {
  return status === "WAITING" || progress.percent === null ? "" : `${Math.floor(progress.percent)} % done`;
}

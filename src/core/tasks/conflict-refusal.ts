import type { AcquireResult } from "../locks/lock-store.ts";
import type { ConflictRefusal } from "./launch-outcome.ts";
import type { TaskStore } from "./task-store.ts";

/** A refused claim in words, with the tasks that hold the records, read in one look-up. */
export async function conflictRefusal(
  tasks: Pick<TaskStore, "find">,
  refused: Extract<AcquireResult, { isGranted: false }>,
): Promise<ConflictRefusal> {
  const owners = await tasks.find([...new Set(refused.conflicts.map((conflict) => conflict.owner))]);
  const conflicts = refused.conflicts.flatMap((conflict) => {
    const heldBy = owners.get(conflict.owner);
    return heldBy === undefined ? [] : [{ ...conflict, heldBy }];
  });
  return {
    outcome: "CONFLICT",
    message: describe(refused, conflicts),
    conflicts,
    totalConflicts: refused.totalConflicts,
  };
}

function describe(
  refused: Extract<AcquireResult, { isGranted: false }>,
  conflicts: ConflictRefusal["conflicts"],
): string {
  const [first] = conflicts;
  if (first === undefined) {
    return "The records are held by another task. Try again when it has settled.";
  }
  const what = first.id === null ? `All of ${first.model}` : `${first.model} ${first.id}`;
  const more = refused.totalConflicts > 1 ? ` and ${refused.totalConflicts - 1} more` : "";
  const { heldBy } = first;
  const percent = heldBy.progress.percent === null ? "" : `, ${Math.floor(heldBy.progress.percent)} % done`;
  return `${what}${more} ${refused.totalConflicts > 1 || first.id === null ? "are" : "is"} held by task ${heldBy.id} (${heldBy.kind}${percent}). Try again when it has settled.`;
}

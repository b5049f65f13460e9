import type { LockConflict, LockRefusal } from "../../locks/lock-store.ts";
import type { Decision } from "../../transactions/run-or-roll-back.ts";
import { runOrRollBack } from "../../transactions/run-or-roll-back.ts";
import type { OnConflict } from "../task.ts";
import type { Dependents } from "../dependents.ts";
import type { CreateResult } from "../new-tasks.ts";
import type { TaskClaim } from "../task-claim.ts";
import type { NewTaskError } from "../task-error.ts";
import type { LaunchRequest } from "./launch-request.ts";
import type { LaunchTransaction, QuickLaunch, WriteLaunchPorts } from "./launch-transaction.ts";
import { createLaunchTransaction, launchQuickly } from "./launch-transaction.ts";

/** What became of the launch's transaction. */
export type WrittenLaunch =
  /** Of a quick launch also what it wrote. */
  | ({ readonly kind: "CREATED"; readonly taskId: string } & Partial<QuickLaunch>)
  /** Created, and it waits in line. */
  | { readonly kind: "WAITING"; readonly taskId: string; readonly hasDependents: boolean }
  | Exclude<CreateResult, { readonly kind: "CREATED" }>
  | { readonly kind: "REFUSED"; readonly refusal: LockRefusal };

/** Decides what becomes of a launch whose records others may hold. */
type ConflictPolicy = (launch: LaunchTransaction) => Promise<Decision<WrittenLaunch>>;

const POLICIES: Readonly<Record<OnConflict, ConflictPolicy>> = {
  REJECT: rejectOnConflict,
  WAIT: waitOnConflict,
  SKIP: skipConflicts,
};

/**
 * Writes task, CREATE event and locks in one transaction; nothing is left of a launch that is not created.
 * @param workerId see launchQuickly
 */
export async function writeLaunch(
  ports: WriteLaunchPorts,
  request: LaunchRequest,
  workerId?: string,
): Promise<WrittenLaunch> {
  const dependents = await dependentsOf(ports, request);
  const quick = await launchQuickly(ports, request, dependents, workerId);
  if (quick !== undefined) {
    return { kind: "CREATED", taskId: quick.task.id, ...quick };
  }
  const policy = POLICIES[request.options.onConflict ?? "REJECT"];
  return runOrRollBack<WrittenLaunch>(ports.unitOfWork, (transaction) =>
    policy(createLaunchTransaction(ports, transaction, request, dependents)),
  );
}

async function dependentsOf(
  { definitions }: Pick<WriteLaunchPorts, "definitions">,
  request: LaunchRequest,
): Promise<Dependents | undefined> {
  const found = await definitions.find(request.kind)?.dependents?.(request);
  return found !== undefined && request.received?.isWide === true
    ? { ...found, claims: () => Promise.resolve(found.models.map((model) => ({ model, ids: "all" }))) }
    : found;
}

async function rejectOnConflict(launch: LaunchTransaction): Promise<Decision<WrittenLaunch>> {
  const claims = launch.escalatedClaims;
  const result = await launch.create(claims);
  if (result.kind !== "CREATED") {
    return { rollBack: result };
  }
  // Locks last: other writers to the models wait from here to the commit.
  const claimed = await launch.acquire(claims);
  return claimed.kind === "GRANTED" ? created(launch) : refused(claimed);
}

async function waitOnConflict(launch: LaunchTransaction): Promise<Decision<WrittenLaunch>> {
  const claims = launch.escalatedClaims;
  const result = await launch.create(claims);
  if (result.kind !== "CREATED") {
    return { rollBack: result };
  }
  const claimed = await launch.acquireOrWait(claims);
  if (claimed.kind === "GRANTED") {
    return created(launch);
  }
  await launch.startWaiting(claimed);
  const { taskId, hasDependents } = launch;
  return { commit: { kind: "WAITING", taskId, hasDependents } };
}

/** Locks before the task here: only they tell which records the task is for. */
async function skipConflicts(launch: LaunchTransaction): Promise<Decision<WrittenLaunch>> {
  // The duplicate key before the locks, in the order of a settlement: the other order could deadlock with it.
  const existing = await launch.lockDuplicate();
  if (existing !== undefined) {
    return { rollBack: { kind: "EXISTING", existing } };
  }
  await launch.enterModels();
  const { claims, conflicts } = await acquireFree(launch);
  if (conflicts.some(({ model }) => model !== launch.request.model)) {
    return refused({ kind: "CONFLICT", conflicts, totalConflicts: conflicts.length });
  }
  const { records, skipped } = leaveOut(launch.request, conflicts);
  // Dependents of the remaining records cannot be left out: all of them are claimed, or the launch is refused.
  const dependents = await launch.acquireDependents(claims, records);
  if (dependents.kind === "CONFLICT") {
    return refused(dependents);
  }
  const result = await launch.create([...claims, ...dependents.claims], records, skipped);
  return result.kind === "CREATED" ? created(launch) : { rollBack: result };
}

/** A whole model is claimed only when nothing of it is held; otherwise its free records, one by one. */
async function acquireFree(
  launch: LaunchTransaction,
): Promise<{ readonly claims: readonly TaskClaim[]; readonly conflicts: readonly LockConflict[] }> {
  const { escalatedClaims, request } = launch;
  const conflicts = await launch.acquireFree(escalatedClaims);
  const isEscalated = escalatedClaims.some((claim, at) => claim !== request.claims[at]);
  return conflicts.length === 0 || !isEscalated
    ? { claims: escalatedClaims, conflicts }
    : { claims: request.claims, conflicts: await launch.acquireFree(request.claims) };
}

/** Splits the request's records into free ones and held ones, which become the task's first errors. */
function leaveOut(
  request: LaunchRequest,
  conflicts: readonly LockConflict[],
): { readonly records: readonly string[]; readonly skipped: readonly NewTaskError[] } {
  const wholeModel = conflicts.find(({ id }) => id === null);
  const { recordOf = (id: string): string => id } = request;
  const owners = new Map(conflicts.map(({ id, owner }) => [id === null ? null : recordOf(id), owner]));
  const ownerOf = (id: string): string | undefined => wholeModel?.owner ?? owners.get(id);
  return {
    records: request.records.filter((id) => ownerOf(id) === undefined),
    skipped: request.records.flatMap((id) => {
      const owner = ownerOf(id);
      return owner === undefined ? [] : [{ ...heldError(id, owner), ...request.placeOf?.(id) }];
    }),
  };
}

function heldError(recordId: string, owner: string): NewTaskError {
  return { recordId, outcome: "SKIPPED", code: "RECORD_LOCKED", message: `Task ${owner} holds the record.` };
}

function created({ taskId }: LaunchTransaction): Decision<WrittenLaunch> {
  return { commit: { kind: "CREATED", taskId } };
}

function refused(refusal: LockRefusal): Decision<WrittenLaunch> {
  return { rollBack: { kind: "REFUSED", refusal } };
}

import { errorFields } from "../../../kernel/logger.ts";
import { announce } from "../../events/record-event.ts";
import type { Claim } from "../../locks/claim.ts";
import type { LockRefusal, LockStore } from "../../locks/lock-store.ts";
import type { Decision } from "../../transactions/run-or-roll-back.ts";
import { runOrRollBack } from "../../transactions/run-or-roll-back.ts";
import type { Transaction } from "../../transactions/transaction.ts";
import { readDependents } from "../dependents.ts";
import type { TaskAttempts } from "../task-attempts.ts";
import type { TaskReads } from "../task-reads.ts";
import { findTask } from "../task-reads.ts";
import { isFinal } from "../task-status.ts";
import type { WaitingLine, WaitingTask } from "../waiting-line.ts";
import type { TaskPorts } from "./task-ports.ts";

/** What promoting needs. */
export type PromotePorts = Pick<
  TaskPorts<WaitingLine & Pick<TaskReads, "find" | "recordIds"> & Pick<TaskAttempts, "markEnqueued">>,
  "unitOfWork" | "tasks" | "bus" | "locks" | "queue" | "clock" | "logger" | "definitions" | "onPromoted"
>;

/** The most tasks that one settlement promotes; the sweeper takes the rest. */
const BATCH = 1000;
/** How often a task is tried again whose blocker settled between the look and the commit. */
const MAX_TRIES = 5;

/**
 * Promotes the tasks that waited for this one, oldest first, now that it released its locks.
 * @returns the tasks that were granted all their claims
 */
export async function promoteWaiting(ports: PromotePorts, blocker: string): Promise<readonly string[]> {
  const granted: string[] = [];
  for (const waiting of await ports.tasks.findWaitingFor(blocker, BATCH)) {
    const isGranted = await retryWaiting(ports, waiting).catch((error: unknown) => {
      ports.logger.warn(
        { ...errorFields(error), taskId: waiting.id },
        "a task in line was left for the sweeper",
      );
      return false;
    });
    if (isGranted) {
      granted.push(waiting.id);
    }
  }
  return granted;
}

/**
 * Grants a WAITING task its claims, and claims on new dependents of its records, unless another task is in the way,
 * and enqueues it.
 * @returns false if the task still waits, or if this process does not know its kind
 */
export async function retryWaiting(
  ports: PromotePorts,
  { id: taskId, hasDependents }: Pick<WaitingTask, "id" | "hasDependents">,
): Promise<boolean> {
  const readClaims = hasDependents ? await findDependence(ports, taskId) : NO_DEPENDENTS;
  if (readClaims === undefined) {
    return false;
  }
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const promotion = await runOrRollBack(ports.unitOfWork, (transaction) =>
      grantOrGoOnWaiting(ports, transaction, taskId, readClaims),
    );
    if (promotion.kind === "GRANTED") {
      await ports.queue.enqueue([{ id: taskId, attempt: 0 }]);
      await ports.tasks.markEnqueued([taskId], ports.clock.now());
      return true;
    }
    // A blocker that settles from now on finds this task in line. One that settled before the commit did not.
    if (promotion.kind === "GONE" || (await isLive(ports, promotion.blocker))) {
      return false;
    }
  }
  return false;
}

/**
 * The task that a task in line waits for: the last one before it in line, or else the holder of a record that it was
 * refused.
 */
export async function findBlocker(
  locks: Pick<LockStore, "lastBefore">,
  transaction: Transaction,
  taskId: string,
  { conflicts }: LockRefusal,
): Promise<string> {
  return (await locks.lastBefore(transaction, taskId)) ?? conflicts[0]?.owner ?? taskId;
}

/** Reads a task's dependents in the transaction that claims them. */
type Dependence = (transaction: Transaction) => Promise<readonly Claim[]>;

const NO_DEPENDENTS: Dependence = () => Promise.resolve([]);

/** Undefined where this process does not know the task's kind. */
async function findDependence(ports: PromotePorts, taskId: string): Promise<Dependence | undefined> {
  const task = await findTask(ports.tasks, taskId);
  const definition = task === undefined ? undefined : ports.definitions?.find(task.kind);
  if (task === undefined || definition === undefined) {
    return undefined;
  }
  const dependents = await definition.dependents?.(task);
  if (dependents === undefined) {
    return NO_DEPENDENTS;
  }
  const recordIds = await ports.tasks.recordIds(taskId);
  const own = task.model === null ? [] : [{ model: task.model, ids: recordIds }];
  return (transaction) => readDependents(ports.locks, transaction, { dependents, own, recordIds });
}

/** What became of one try to promote a task. */
type Promotion =
  | { readonly kind: "GRANTED" }
  /** It does not wait any more. */
  | { readonly kind: "GONE" }
  | { readonly kind: "BLOCKED"; readonly blocker: string };

const GONE: Decision<Promotion> = { rollBack: { kind: "GONE" } };

async function grantOrGoOnWaiting(
  ports: PromotePorts,
  transaction: Transaction,
  taskId: string,
  readClaims: Dependence,
): Promise<Decision<Promotion>> {
  // The task before its place in line, in the order of a settlement: the other order could deadlock with it.
  if (!(await ports.tasks.lockWaiting(transaction, taskId))) {
    return GONE;
  }
  const dependents = await readClaims(transaction);
  const result = await ports.locks.acquireWaiting(transaction, taskId, dependents);
  if (result.kind === "GRANTED") {
    return endWaiting(ports, transaction, taskId, dependents);
  }
  const blocker = await findBlocker(ports.locks, transaction, taskId, result);
  return (await ports.tasks.startWaiting(transaction, taskId, blocker))
    ? { commit: { kind: "BLOCKED", blocker } }
    : GONE;
}

async function endWaiting(
  ports: PromotePorts,
  transaction: Transaction,
  taskId: string,
  dependents: readonly Claim[],
): Promise<Decision<Promotion>> {
  const ended = await ports.tasks.endWaiting(transaction, taskId);
  if (ended === undefined) {
    return GONE;
  }
  if (dependents.length > 0) {
    await ports.tasks.setDependents(transaction, taskId, dependents);
  }
  transaction.onCommit(() => announce(ports, taskId));
  transaction.onCommit(() =>
    ports.onPromoted?.(ended.kind, ports.clock.now().getTime() - ended.createdAt.getTime()),
  );
  return { commit: { kind: "GRANTED" } };
}

async function isLive(ports: PromotePorts, taskId: string): Promise<boolean> {
  const task = await findTask(ports.tasks, taskId);
  return task !== undefined && !isFinal(task.status);
}

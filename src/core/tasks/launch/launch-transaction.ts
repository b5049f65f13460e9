import { createId } from "../../../kernel/ids.ts";
import { announce, recordEvent } from "../../events/record-event.ts";
import type { Claim } from "../../locks/claim.ts";
import type { AcquireResult, LockConflict, LockRefusal } from "../../locks/lock-store.ts";
import type { Transaction } from "../../transactions/transaction.ts";
import type { Dependents } from "../dependents.ts";
import { readDependents } from "../dependents.ts";
import type { CreateResult, IdempotentTask, NewTask, NewTasks } from "../new-tasks.ts";
import { pendingTaskOf } from "../new-tasks.ts";
import { NO_COUNTS, progressOf } from "../progress.ts";
import type { RecordBatch } from "../record-batch.ts";
import { filterBatch, plainBatch, splitIntoChunks } from "../record-batch.ts";
import { findBlocker } from "../settle/promote-waiting.ts";
import type { TaskPorts } from "../settle/task-ports.ts";
import type { Attempt } from "../task-attempts.ts";
import type { TaskClaim } from "../task-claim.ts";
import { escalate, toClaim, toDependents } from "../task-claim.ts";
import type { TaskDefinitions } from "../task-definition.ts";
import type { NewTaskError } from "../task-error.ts";
import type { Task } from "../task.ts";
import type { WaitingLine } from "../waiting-line.ts";
import type { LaunchRequest, LaunchSettings } from "./launch-request.ts";
import { duplicateKeyOf } from "./launch-request.ts";

/** What writing a launch needs. */
export interface WriteLaunchPorts extends Omit<
  TaskPorts<NewTasks & Pick<WaitingLine, "setDependents" | "startWaiting">>,
  "queue" | "definitions"
> {
  readonly settings: LaunchSettings;
  readonly definitions: TaskDefinitions;
}

/** A launch inside its transaction: the steps that the conflict policies are made of. */
export interface LaunchTransaction {
  /** New for each try: a store that does not roll back may keep what an earlier try wrote under its own id. */
  readonly taskId: string;
  readonly request: LaunchRequest;
  /** Whether the task may change records besides its own. */
  readonly hasDependents: boolean;
  /** The request's claims; one on more records than the escalation limit is on the whole model. */
  readonly escalatedClaims: readonly TaskClaim[];
  /**
   * Writes task, chunks and CREATE event.
   * @param records the request's records without those that are left out. Default: all
   * @returns CREATED, or why nothing was written
   */
  create(
    claims: readonly TaskClaim[],
    records?: readonly string[],
    skipped?: readonly NewTaskError[],
  ): Promise<CreateResult>;
  /** Finds the unsettled identical task, and makes identical launches wait for this transaction. */
  lockDuplicate(): Promise<IdempotentTask | undefined>;
  /** Enters all models that this launch locks, in one go; see LockStore.enter. Nothing for a task without dependents. */
  enterModels(): Promise<void>;
  /** Claims all, dependents too, or nothing. Noted with the task, which must have been created. */
  acquire(claims: readonly TaskClaim[]): Promise<AcquireResult>;
  /** The same; if it is refused, the task joins the line. */
  acquireOrWait(claims: readonly TaskClaim[]): Promise<AcquireResult>;
  /** Claims the records that are free. @returns the conflicts: all of them */
  acquireFree(claims: readonly TaskClaim[]): Promise<readonly LockConflict[]>;
  /** Claims the dependents of these records: all of them, or nothing. For a task that is created afterwards. */
  acquireDependents(claims: readonly TaskClaim[], records: readonly string[]): Promise<DependentsResult>;
  /** Makes the task WAITING after a refused {@link LaunchTransaction.acquireOrWait}. */
  startWaiting(refused: LockRefusal): Promise<void>;
}

/** Result of {@link LaunchTransaction.acquireDependents}. */
export type DependentsResult =
  | { readonly kind: "GRANTED"; readonly claims: readonly TaskClaim[] }
  | LockRefusal;

/** @param dependents the records that the task changes besides its own; undefined for none */
export function createLaunchTransaction(
  ports: WriteLaunchPorts,
  transaction: Transaction,
  request: LaunchRequest,
  dependents: Dependents | undefined,
): LaunchTransaction {
  const { locks, tasks } = ports;
  const taskId = request.received?.taskId ?? createId(ports.clock.now());
  const toClaims = (claims: readonly TaskClaim[], records = request.records): readonly Claim[] =>
    claims.map((claim) => toClaim(claim, records));
  const withDependents = async (claims: readonly TaskClaim[]): Promise<readonly Claim[]> => {
    const own = toClaims(claims);
    if (dependents === undefined) {
      return own;
    }
    const dependence = { dependents, own, recordIds: request.records };
    const added = await readDependents(locks, transaction, dependence);
    await tasks.setDependents(transaction, taskId, added);
    return [...own, ...added];
  };
  return {
    taskId,
    request,
    hasDependents: dependents !== undefined,
    escalatedClaims: escalatedClaimsOf(ports, request),
    create: (claims, records = request.records, skipped = []) =>
      createTask(ports, transaction, { taskId, request, claims, records, skipped }),
    async lockDuplicate() {
      const key = duplicateKeyOf(request);
      return key === null ? undefined : tasks.lockDuplicate(transaction, request.viewer, key);
    },
    async enterModels() {
      if (dependents !== undefined) {
        const own = request.claims.map(({ model }) => model);
        await locks.enter(transaction, [...new Set([...own, ...dependents.models])]);
      }
    },
    acquire: async (claims) => locks.acquire(transaction, taskId, await withDependents(claims)),
    acquireOrWait: async (claims) => locks.acquireOrWait(transaction, taskId, await withDependents(claims)),
    acquireFree: (claims) => locks.acquireFree(transaction, taskId, toClaims(claims)),
    async acquireDependents(claims, records) {
      if (dependents === undefined) {
        return { kind: "GRANTED", claims: [] };
      }
      const dependence = { dependents, own: toClaims(claims, records), recordIds: records };
      const added = await readDependents(locks, transaction, dependence);
      const result = await locks.acquire(transaction, taskId, added);
      return result.kind === "GRANTED" ? { kind: "GRANTED", claims: toDependents(added) } : result;
    },
    async startWaiting(refused) {
      const blocker = await findBlocker(locks, transaction, taskId, refused);
      await tasks.startWaiting(transaction, taskId, blocker);
    },
  };
}

/** A launch whose records and claims are decided. */
interface DecidedLaunch {
  readonly taskId: string;
  readonly request: LaunchRequest;
  readonly claims: readonly TaskClaim[];
  readonly records: readonly string[];
  readonly skipped: readonly NewTaskError[];
}

async function createTask(
  ports: WriteLaunchPorts,
  transaction: Transaction,
  launch: DecidedLaunch,
): Promise<CreateResult> {
  const { received } = launch.request;
  if (received !== undefined) {
    const isBegun = await received.begin(transaction, launch.claims, launch.skipped);
    transaction.onCommit(() => announce(ports, received.taskId));
    return { kind: isBegun ? "CREATED" : "ENDED" };
  }
  const task = newTaskOf(ports, launch);
  const created = await ports.tasks.create(transaction, task);
  if (created.kind === "CREATED") {
    await recordEvent(ports, transaction, createEventOf(task));
  }
  return created;
}

/** A quick launch sends its records inside a list; more of them take the ordinary way, which is made for many. */
const MAX_QUICK_RECORDS = 100;

/** A task that was launched in one step, and the attempt that was begun with it. */
export interface QuickLaunch {
  readonly task: Task;
  readonly attempt?: Attempt;
}

/**
 * Launches a task in one step, if it has few records, all with the same change, and none that depend on them.
 * @param workerId begins its first attempt in the same step, unless tasks like it have a limit. Default: nobody
 * @returns undefined, with nothing written, where the ordinary way has to decide
 */
export async function launchQuickly(
  ports: WriteLaunchPorts,
  request: LaunchRequest,
  dependents: Dependents | undefined,
  workerId?: string,
): Promise<QuickLaunch | undefined> {
  const { records, batches, retryOf, received } = request;
  const isNew = retryOf === undefined && received === undefined;
  const isPlain = batches === undefined && isNew && dependents === undefined;
  if (ports.steps === undefined || !isPlain || records.length > MAX_QUICK_RECORDS) {
    return undefined;
  }
  const taskId = createId(ports.clock.now());
  const claims = escalatedClaimsOf(ports, request);
  const task = newTaskOf(ports, { taskId, request, claims, records, skipped: [] });
  const event = { ...createEventOf(task), at: task.createdAt };
  const held = claims.map((claim) => toClaim(claim, records));
  const beginner = task.concurrency === null ? workerId : undefined;
  if ((await ports.steps.launch(task, event, held, beginner)) === undefined) {
    return undefined;
  }
  announce(ports, taskId);
  const pending = pendingTaskOf(task);
  if (beginner === undefined) {
    return { task: pending };
  }
  const begun: Task = { ...pending, status: "RUNNING", attempt: 1, startedAt: task.createdAt };
  return { task: begun, attempt: { task: begun, number: 1 } };
}

/** The request's claims; one on more records than the escalation limit is on the whole model. */
function escalatedClaimsOf(
  { settings }: Pick<WriteLaunchPorts, "settings">,
  { claims, records }: LaunchRequest,
): readonly TaskClaim[] {
  return claims.map((claim) => escalate(claim, records, settings.lockEscalationRecords));
}

function createEventOf({ id: taskId, total, skipped, label: message }: NewTask) {
  const progress = progressOf(total, { ...NO_COUNTS, skipped: skipped.length });
  return { taskId, type: "CREATE", progress, message } as const;
}

function newTaskOf(
  { clock, tracing }: Pick<WriteLaunchPorts, "clock" | "tracing">,
  { taskId, request, claims, records, skipped }: DecidedLaunch,
): NewTask {
  const { options, total, retryOf = null } = request;
  const { label = null, idempotencyKey = null } = options;
  return {
    id: taskId,
    kind: request.kind,
    model: request.model,
    label,
    viewer: request.viewer,
    errorPolicy: options.errorPolicy ?? "ALL_OR_NOTHING",
    isDryRun: options.dryRun ?? false,
    onConflict: options.onConflict ?? "REJECT",
    retryOf,
    ...originOf(request),
    trace: tracing?.current() ?? null,
    concurrency: request.concurrency ?? null,
    input: request.input,
    idempotencyKey,
    duplicateKey: duplicateKeyOf(request),
    inputHash: request.inputHash,
    createdAt: clock.now(),
    total,
    chunks: splitIntoChunks(batchesOf(request, records), request.maxChunkRecords, request.isKeptTogether),
    claims,
    skipped,
  };
}

/** Where a launch comes from, and who is told how it ends. */
function originOf(request: LaunchRequest): Pick<NewTask, "parent" | "schedule" | "notify"> {
  const { parent, schedule, notify = [] } = request;
  return { parent: parent ?? null, schedule: schedule ?? null, notify: notify.length === 0 ? null : notify };
}

function batchesOf(request: LaunchRequest, records: readonly string[]): readonly RecordBatch[] {
  const { batches } = request;
  if (batches === undefined) {
    return [plainBatch(records)];
  }
  if (records.length === request.records.length) {
    return batches;
  }
  const kept = new Set(records);
  return batches.map((batch) => filterBatch(batch, (id) => kept.has(id)));
}

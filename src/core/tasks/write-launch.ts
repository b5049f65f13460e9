import { createId } from "../../kernel/ids.ts";
import type { Claim } from "../locks/claim.ts";
import type { LockConflict, LockRefusal } from "../locks/lock-store.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { Decision } from "../transactions/run-or-roll-back.ts";
import { runOrRollBack } from "../transactions/run-or-roll-back.ts";
import type { Dependents } from "./dependents.ts";
import { readDependents } from "./dependents.ts";
import type { LaunchRequest } from "./launch-request.ts";
import { duplicateKeyOf } from "./launch-request.ts";
import type { LaunchSettings } from "./launch-settings.ts";
import { NO_COUNTS, progressOf } from "./progress.ts";
import { recordEvent } from "./record-event.ts";
import type { RecordBatch } from "./record-batch.ts";
import { filterBatch, plainBatch } from "./record-batch.ts";
import { splitIntoChunks } from "./split-into-chunks.ts";
import type { TaskClaim } from "./task-claim.ts";
import { escalate, toClaim, toDependents } from "./task-claim.ts";
import { findBlocker } from "./find-blocker.ts";
import { knownDefinition } from "./known-definition.ts";
import type { TaskDefinitions } from "./task-definition.ts";
import type { NewTaskError } from "./task-error.ts";
import type { TaskPorts } from "./task-ports.ts";
import type { IdempotentTask } from "./task-store.ts";

/** What became of the launch's transaction. */
export type WrittenLaunch =
  | { readonly kind: "CREATED"; readonly taskId: string }
  /** Created, and it stands in line. */
  | { readonly kind: "WAITING"; readonly taskId: string; readonly hasDependents: boolean }
  | { readonly kind: "EXISTING"; readonly existing: IdempotentTask }
  | { readonly kind: "REFUSED"; readonly refusal: LockRefusal };

/** What writing a launch needs. */
export interface WriteLaunchPorts extends Omit<TaskPorts, "queue" | "logger" | "definitions"> {
  readonly settings: LaunchSettings;
  readonly definitions: TaskDefinitions;
}

/** A launch within its transaction. */
interface Launch {
  readonly ports: WriteLaunchPorts;
  readonly transaction: Transaction;
  /** Of this try's own: with what a try leaves behind in a store that does not roll back, the next has nothing to do. */
  readonly taskId: string;
  readonly request: LaunchRequest;
  /** What the task changes besides its records, if it can be anything. */
  readonly dependents: Dependents | undefined;
}

/** Writes task, CREATE event and locks in one transaction; nothing is left of a launch that is not created. */
export async function writeLaunch(ports: WriteLaunchPorts, request: LaunchRequest): Promise<WrittenLaunch> {
  const dependents = await knownDefinition(ports.definitions, request.kind)?.dependents?.(request);
  return runOrRollBack<WrittenLaunch>(ports.unitOfWork, (transaction) => {
    const taskId = createId(ports.clock.now());
    const launch = { ports, transaction, taskId, request, dependents };
    switch (request.options.onConflict ?? "REJECT") {
      case "REJECT":
        return createOrRefuse(launch);
      case "WAIT":
        return createOrWait(launch);
      case "SKIP":
        return createForFree(launch);
    }
  });
}

async function createOrRefuse(launch: Launch): Promise<Decision<WrittenLaunch>> {
  const claims = escalated(launch);
  const existing = await create(launch, claims, launch.request.records, []);
  if (existing !== undefined) {
    return { rollBack: { kind: "EXISTING", existing } };
  }
  // Last, because other writers to the models wait from here to the commit.
  const { ports, transaction, taskId } = launch;
  const result = await ports.locks.acquire(transaction, taskId, await withDependents(launch, claims));
  return result.kind === "GRANTED"
    ? { commit: { kind: "CREATED", taskId } }
    : { rollBack: { kind: "REFUSED", refusal: result } };
}

async function createOrWait(launch: Launch): Promise<Decision<WrittenLaunch>> {
  const claims = escalated(launch);
  const existing = await create(launch, claims, launch.request.records, []);
  if (existing !== undefined) {
    return { rollBack: { kind: "EXISTING", existing } };
  }
  const { ports, transaction, taskId } = launch;
  const result = await ports.locks.acquireOrWait(transaction, taskId, await withDependents(launch, claims));
  if (result.kind === "GRANTED") {
    return { commit: { kind: "CREATED", taskId } };
  }
  const blocker = await findBlocker(ports.locks, transaction, taskId, result);
  await ports.tasks.startWaiting(transaction, taskId, blocker);
  return { commit: { kind: "WAITING", taskId, hasDependents: launch.dependents !== undefined } };
}

/** Enters the models, and notes with the task what hangs on its records now. */
async function withDependents(launch: Launch, claims: readonly TaskClaim[]): Promise<readonly Claim[]> {
  const { ports, transaction, taskId, request, dependents } = launch;
  const own = lockable(launch, claims);
  if (dependents === undefined) {
    return own;
  }
  const dependence = { dependents, own, recordIds: request.records };
  const added = await readDependents(ports.locks, transaction, dependence);
  await ports.tasks.setDependents(transaction, taskId, added);
  return [...own, ...added];
}

/** Locks first here: only they tell which records the task is for. */
async function createForFree(launch: Launch): Promise<Decision<WrittenLaunch>> {
  const { request } = launch;
  const duplicate = await lockDuplicate(launch);
  if (duplicate !== undefined) {
    return { rollBack: { kind: "EXISTING", existing: duplicate } };
  }
  await enterForFree(launch);
  const { claims, conflicts } = await acquireFree(launch);
  const isSkippable = conflicts.every(({ model }) => model === request.model);
  if (!isSkippable) {
    const refusal = { kind: "CONFLICT", conflicts, totalConflicts: conflicts.length } as const;
    return { rollBack: { kind: "REFUSED", refusal } };
  }
  const whole = conflicts.find(({ id }) => id === null);
  const owners = new Map(conflicts.map(({ id, owner }) => [id, owner]));
  const skipped = request.records.flatMap((id) => {
    const owner = whole?.owner ?? owners.get(id);
    return owner === undefined ? [] : [{ ...heldError(id, owner), ...request.placeOf?.(id) }];
  });
  const records =
    skipped.length === 0 ? request.records : request.records.filter((id) => !whole && !owners.has(id));
  const held = await acquireDependents(launch, claims, records);
  if ("refusal" in held) {
    return { rollBack: { kind: "REFUSED", refusal: held.refusal } };
  }
  const existing = await create(launch, [...claims, ...held.claims], records, skipped);
  return existing === undefined
    ? { commit: { kind: "CREATED", taskId: launch.taskId } }
    : { rollBack: { kind: "EXISTING", existing } };
}

/**
 * Before the locks: a settlement writes the task that has the key first, and lets go of its locks then, so whoever came
 * to the key with locks in hand could wait for it while it waits for them.
 */
async function lockDuplicate({ ports, transaction, request }: Launch): Promise<IdempotentTask | undefined> {
  const key = duplicateKeyOf(request);
  return key === null ? undefined : ports.tasks.lockDuplicate(transaction, request.viewer, key);
}

/** All models in one go; see LockStore.enter. */
async function enterForFree({ ports, transaction, request, dependents }: Launch): Promise<void> {
  if (dependents !== undefined) {
    const own = request.claims.map(({ model }) => model);
    await ports.locks.enter(transaction, [...new Set([...own, ...dependents.models])]);
  }
}

/** What hangs on the records that are not left out: all of it, or the launch is refused. */
async function acquireDependents(
  launch: Launch,
  claims: readonly TaskClaim[],
  recordIds: readonly string[],
): Promise<{ readonly claims: readonly TaskClaim[] } | { readonly refusal: LockRefusal }> {
  const { ports, transaction, taskId, dependents } = launch;
  if (dependents === undefined) {
    return { claims: [] };
  }
  const own = claims.map((claim) => toClaim(claim, recordIds));
  const added = await readDependents(ports.locks, transaction, { dependents, own, recordIds });
  const result = await ports.locks.acquire(transaction, taskId, added);
  return result.kind === "GRANTED" ? { claims: toDependents(added) } : { refusal: result };
}

/** A whole model is taken only when nothing of it is held; otherwise what is free of it, record by record. */
async function acquireFree(
  launch: Launch,
): Promise<{ readonly claims: readonly TaskClaim[]; readonly conflicts: readonly LockConflict[] }> {
  const { ports, transaction, taskId, request } = launch;
  const wide = escalated(launch);
  const conflicts = await ports.locks.acquireFree(transaction, taskId, lockable(launch, wide));
  const isNarrower = wide.some((claim, at) => claim !== request.claims[at]);
  if (conflicts.length === 0 || !isNarrower) {
    return { claims: wide, conflicts };
  }
  const narrow = lockable(launch, request.claims);
  return {
    claims: request.claims,
    conflicts: await ports.locks.acquireFree(transaction, taskId, narrow),
  };
}

function escalated({ ports, request }: Launch): readonly TaskClaim[] {
  const { lockEscalationRecords } = ports.settings;
  return request.claims.map((claim) => escalate(claim, request.records, lockEscalationRecords));
}

function lockable({ request }: Launch, claims: readonly TaskClaim[]): readonly Claim[] {
  return claims.map((claim) => toClaim(claim, request.records));
}

function heldError(recordId: string, owner: string): NewTaskError {
  return { recordId, outcome: "SKIPPED", code: "RECORD_LOCKED", message: `Task ${owner} holds the record.` };
}

/** @returns the earlier task that answers the launch; then nothing was written */
async function create(
  { ports, transaction, taskId, request }: Launch,
  claims: readonly TaskClaim[],
  records: readonly string[],
  skipped: readonly NewTaskError[],
): Promise<IdempotentTask | undefined> {
  const { options, total } = request;
  const created = await ports.tasks.create(transaction, {
    id: taskId,
    kind: request.kind,
    model: request.model,
    label: options.label ?? null,
    viewer: request.viewer,
    errorPolicy: options.errorPolicy ?? "ALL_OR_NOTHING",
    isDryRun: options.dryRun ?? false,
    retryOf: request.retryOf ?? null,
    input: request.input,
    idempotencyKey: options.idempotencyKey ?? null,
    duplicateKey: duplicateKeyOf(request),
    inputHash: request.inputHash,
    createdAt: ports.clock.now(),
    total,
    chunks: splitIntoChunks(batchesOf(request, records), request.maxChunkRecords, request.isKeptTogether),
    claims,
    skipped,
  });
  if (created.kind !== "CREATED") {
    return created.existing;
  }
  await recordEvent(ports, transaction, {
    taskId,
    type: "CREATE",
    progress: progressOf(total, { ...NO_COUNTS, skipped: skipped.length }),
    message: options.label ?? null,
  });
  return undefined;
}

/** @param records those of the request that were not left out */
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

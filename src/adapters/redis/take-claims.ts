import type { Claim } from "../../core/locks/claim.ts";
import type { LockLedger } from "../../core/locks/lock-ledger.ts";
import { MAX_REPORTED_CONFLICTS } from "../../core/locks/lock-store.ts";
import type { AcquireResult, LockConflict, LockRefusal } from "../../core/locks/lock-store.ts";
import { sortConflicts } from "../../core/locks/sort-conflicts.ts";
import { sortIds } from "../../core/locks/sort-ids.ts";
import type { Transaction, UnitOfWork } from "../../core/transactions/transaction.ts";
import type { IdBatch } from "./id-batches.ts";
import { toBatches } from "./id-batches.ts";
import type { BatchResult, RedisLockTable, TakeMode } from "./lock-table.ts";
import { LostLocks } from "./lock-table.ts";
import type { LockTurn } from "./lock-turn.ts";
import { createLockTurn, LostTurn, NO_TURN } from "./lock-turn.ts";

/** What taking works with, once the transaction has entered for the models. */
export interface TakePorts {
  readonly table: RedisLockTable;
  readonly ledger: LockLedger;
  readonly transaction: Transaction;
  readonly epoch: string;
  /** Of the database where the ledger is. */
  readonly unitOfWork: UnitOfWork;
}

/** What is to be taken. */
export interface TakeRequest {
  /** Undefined for a guard of nobody's. */
  readonly owner: string | undefined;
  /** Merged. */
  readonly claims: readonly Claim[];
  /** Who stands in line before: then nothing is taken. */
  readonly inLine: AcquireResult;
  /** Lists all conflicts. */
  readonly isComplete: boolean;
  /** Only looks, and takes nothing. */
  readonly isGuard: boolean;
}

/** A part of a claim that one script takes. */
interface Step {
  readonly claim: Claim;
  /** Undefined for a whole model. */
  readonly batch: IdBatch | undefined;
}

/** What was found in the way so far, and how to undo what was taken before. */
interface Taking {
  readonly turn: LockTurn;
  /** Whether the turn is signed for. */
  hasBegun: boolean;
  readonly conflicts: LockConflict[];
  /** With those that are not listed. */
  total: number;
  readonly undos: ((turn: LockTurn) => Promise<void>)[];
}

/** Each round frees what it found to be nobody's; what is still found after so many is in the way. */
const MAX_ROUNDS = 10;

/**
 * Takes all of the claims, or nothing where something is in the way. Many ids take several scripts; since the
 * transaction has the models to itself, that is still all or nothing for others. Locks of owners that live no more
 * are let go of on the way.
 */
export async function takeClaims(ports: TakePorts, request: TakeRequest): Promise<AcquireResult> {
  const { inLine, isGuard } = request;
  const turn = createLockTurn([...new Set(request.claims.map(({ model }) => model))]);
  const taking: Taking = { turn, hasBegun: false, conflicts: [], total: 0, undos: [] };
  const undo = async (within: LockTurn): Promise<void> => {
    for (const step of taking.undos.splice(0).toReversed()) {
      await step(within);
    }
  };
  ports.transaction.onRollback(async () => {
    if (taking.undos.length > 0) {
      await undoUnlessHeld(ports, request, turn.models, undo);
    }
  });
  // Records first: those that the owner had keep their scope, also where this very claim takes the whole model.
  const steps = request.claims.flatMap(stepsOf);
  const inOrder = [...steps.filter(({ batch }) => batch), ...steps.filter(({ batch }) => !batch)];
  for (const step of inOrder) {
    const isFree = taking.total === 0 && inLine.kind === "GRANTED" && !isGuard;
    await takeStep(ports, request, step, isFree ? "take" : "look", taking);
  }
  if (taking.total === 0 && inLine.kind === "GRANTED") {
    return { kind: "GRANTED" };
  }
  await undo(turn);
  return refusalOf(taking, inLine, request.isComplete);
}

/**
 * The transaction is over, and so is its hold on the gate: by now the owner may hold the claims by right, where the
 * commit went through and only its answer was lost, or where another process has granted them to it. What cannot be
 * undone now is nobody's, and is taken from it by whoever finds it in the way.
 */
async function undoUnlessHeld(
  { table, epoch, ledger, unitOfWork }: TakePorts,
  { owner = "" }: TakeRequest,
  models: readonly string[],
  undo: (turn: LockTurn) => Promise<void>,
): Promise<void> {
  await unitOfWork.run(async (transaction) => {
    await ledger.enter(transaction, models, "CLAIM");
    const turn = createLockTurn(models);
    try {
      await table.beginTurn(epoch, turn.begin());
      if (!(await ledger.holders(transaction, [owner])).has(owner)) {
        await undo(turn);
      }
    } catch (error) {
      // What was lost with the epoch needs no undoing.
      if (!(error instanceof LostLocks || error instanceof LostTurn)) {
        throw error;
      }
    }
  });
}

function stepsOf(claim: Claim): readonly Step[] {
  return claim.ids === "all"
    ? [{ claim, batch: undefined }]
    : toBatches({ ...claim, ids: sortIds(claim.ids) }).map((batch) => ({ claim, batch }));
}

async function takeStep(
  ports: TakePorts,
  request: TakeRequest,
  step: Step,
  mode: TakeMode,
  taking: Taking,
): Promise<void> {
  for (let rounds = 1; ; rounds += 1) {
    const result = await runStep(ports, request, step, mode, taking);
    if (!result.isBlocked) {
      if (mode === "take" && request.owner !== undefined) {
        taking.undos.push((turn) => undoStep(ports, request.owner ?? "", step, result, turn));
      }
      return;
    }
    const conflicts = await listConflicts(ports, request, step, result);
    const owners = new Set([...result.owners, ...conflicts.map((conflict) => conflict.owner)]);
    if (rounds === MAX_ROUNDS || !(await freeOfNobody(ports, [...owners], taking))) {
      // A whole model is in the way of every batch, and counts once.
      const seen = new Set(taking.conflicts.map(nameOf));
      const fresh = conflicts.filter((conflict) => !seen.has(nameOf(conflict)));
      taking.conflicts.push(...fresh);
      taking.total += result.total - (conflicts.length - fresh.length);
      return;
    }
  }
}

/** A claim signs for its turn with its first script. Guards have theirs together, and only look. */
async function runStep(
  { table, epoch }: TakePorts,
  { owner = "", isComplete, isGuard }: TakeRequest,
  { claim, batch }: Step,
  mode: TakeMode,
  taking: Taking,
): Promise<BatchResult> {
  const signed = taking.hasBegun ? taking.turn.keep() : taking.turn.begin();
  const turn = isGuard ? NO_TURN : signed;
  const result =
    batch === undefined
      ? await table.acquireWhole(epoch, owner, claim, mode, turn)
      : await table.acquireRecords(epoch, owner, batch, mode, isComplete ? -1 : MAX_REPORTED_CONFLICTS, turn);
  taking.hasBegun ||= !isGuard;
  return result;
}

/** Only what it added: the rest the owner had before. */
async function undoStep(
  { table, epoch }: TakePorts,
  owner: string,
  { claim, batch }: Step,
  { wasEmpty, had, moved }: BatchResult,
  turn: LockTurn,
): Promise<void> {
  const signed = turn.keep();
  if (wasEmpty) {
    await table.releaseAll(epoch, owner, undefined, signed);
  } else if (batch === undefined) {
    await (had.size === 0 ? table.releaseWhole(epoch, owner, claim, signed) : Promise.resolve());
  } else {
    const before = new Map(moved);
    for (const scope of new Set(before.values())) {
      const ids = [...before.keys()].filter((id) => before.get(id) === scope);
      for (const part of toBatches({ model: batch.model, scope, ids })) {
        await table.moveRecords(epoch, owner, part, signed);
      }
    }
    const added = batch.ids.filter((id) => !had.has(id) && !before.has(id));
    for (const part of toBatches({ model: batch.model, scope: batch.scope, ids: added })) {
      await table.releaseRecords(epoch, owner, part, signed);
    }
  }
}

/**
 * The turn is signed for before anybody is looked up: whoever is found to live no more can come to hold something only
 * in a later turn, and then this one is over.
 * @returns whether anybody was found who lives no more
 */
async function freeOfNobody(
  { table, ledger, transaction, epoch }: TakePorts,
  owners: readonly string[],
  { turn, hasBegun }: Taking,
): Promise<boolean> {
  if (!hasBegun) {
    await table.beginTurn(epoch, turn.begin());
  }
  const live = await ledger.liveOwners(transaction, owners);
  const dead = owners.filter((owner) => !live.has(owner));
  try {
    for (const owner of dead) {
      await table.releaseAll(epoch, owner, undefined, turn.keep());
    }
  } catch (error) {
    // Of several guards at once the last to sign lets go; the others look again.
    if (hasBegun || !(error instanceof LostTurn)) {
      throw error;
    }
  }
  return dead.length > 0;
}

async function listConflicts(
  { table, epoch }: TakePorts,
  { owner }: TakeRequest,
  { claim, batch }: Step,
  result: BatchResult,
): Promise<readonly LockConflict[]> {
  const { model, scope = "" } = claim;
  const conflicts = [
    ...result.wholes.slice(0, 1).map((other) => ({ model, id: null, owner: other })),
    ...result.records.map(([id, other]) => ({ model, id, owner: other })),
  ];
  if (batch === undefined && result.total > conflicts.length) {
    for await (const held of table.scanRecords(epoch, model)) {
      if (held.owner !== owner && (scope === "" || held.scope === "" || held.scope === scope)) {
        conflicts.push({ model, id: held.id, owner: held.owner });
      }
    }
  }
  return conflicts;
}

/** Of a record that is both held and waited for, the holder is in the way. */
function refusalOf({ conflicts, total }: Taking, inLine: AcquireResult, isComplete: boolean): LockRefusal {
  const held = new Set(conflicts.map(nameOf));
  const waitedFor = inLine.kind === "GRANTED" ? [] : inLine.conflicts;
  const others = waitedFor.filter((conflict) => !held.has(nameOf(conflict)));
  const sorted = sortConflicts([...conflicts, ...others]);
  const inLineTotal =
    inLine.kind === "GRANTED" ? 0 : inLine.totalConflicts - (waitedFor.length - others.length);
  return {
    kind: "CONFLICT",
    conflicts: isComplete ? sorted : sorted.slice(0, MAX_REPORTED_CONFLICTS),
    totalConflicts: total + inLineTotal,
  };
}

function nameOf({ model, id }: LockConflict): string {
  return JSON.stringify([model, id]);
}

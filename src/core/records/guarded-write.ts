import type { Claim } from "../locks/claim.ts";
import type { AcquireResult } from "../locks/lock-store.ts";
import { conflictRefusal } from "../refusals/conflict-refusal.ts";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import type { Decision } from "../transactions/run-or-roll-back.ts";
import { runOrRollBack } from "../transactions/run-or-roll-back.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { Model } from "./model.ts";
import type { Links } from "./record-links.ts";
import { claimsOf, linksOf, missingLinks } from "./record-links.ts";
import type { RecordKey } from "./record-key.ts";
import { formatRecordKey } from "./record-key.ts";
import type { RecordData } from "./record-writer.ts";
import type { ReferencePlan } from "./reference-plan.ts";
import { claimsOfReferences } from "./reference-plan.ts";
import type { EffectPlan } from "./side-effects.ts";
import type { WriteOutcome } from "./write-outcome.ts";
import type { WritePorts } from "./write-ports.ts";
import type { WriteRefusal } from "./write-refusal.ts";
import { invalid } from "./write-refusal.ts";
import type { WriteRequest } from "./write-request.ts";

/** No record has an empty id, so only a claim on the whole model is in its way: the guard of a record yet unnumbered. */
export const ANY_NEW_RECORD = "";

/** A write within its transaction, its own record and the links that it names guarded. */
export interface Write {
  readonly transaction: Transaction;
  readonly model: Model;
  readonly request: WriteRequest;
  readonly effects: EffectPlan | undefined;
  readonly references: ReferencePlan | undefined;
}

/** What is to be guarded. */
interface Guarded {
  readonly request: WriteRequest;
  /** The record's. */
  readonly id: string;
  /** What is written; the links in it are guarded too. */
  readonly data: RecordData;
  /** What else the write may change. */
  effects(model: Model): Promise<EffectPlan | undefined>;
  /** The fields that are written, by the database's defaults too. */
  written(model: Model): readonly string[];
}

type Refused = Extract<AcquireResult, { kind: "CONFLICT" }>;

/**
 * Runs the write in a transaction in which no task can take the record, nor those that it is linked with; refuses
 * when one has them already. What else the write changes it guards itself, by {@link guardEffects}.
 */
export async function guardedWrite(
  ports: WritePorts,
  guarded: Guarded,
  write: (write: Write) => Promise<Decision<WriteOutcome>>,
): Promise<WriteOutcome> {
  const { request, id, data } = guarded;
  const model = ports.models.get(request.model);
  const links = linksOf(ports.models, model, data);
  return unlessUnavailable(ports, async () => {
    // Over a connection of its own, so before the transaction: each holding one and waiting for a second would be a deadlock.
    const problems = await missingLinks(ports, request.viewer, links);
    if (problems.length > 0) {
      return invalid(problems).rollBack;
    }
    const effects = await guarded.effects(model);
    const references = await ports.sideEffects.references(model, guarded.written(model));
    return runOrRollBack<WriteOutcome>(ports.unitOfWork, async (transaction) => {
      const refused = await guardFirst(
        ports,
        transaction,
        scopedClaims(ports, request, claimsOf(model, id, links), links),
        [...(effects?.models ?? []), ...(references?.models ?? [])],
      );
      return refused === undefined
        ? write({ transaction, model, request, effects, references })
        : { rollBack: await conflictRefusal(ports.tasks, refused) };
    });
  });
}

/**
 * The claims as far as they reach: a whole model that is held under another scope is not in the way. That goes for
 * records that the viewer may write, so not for links to be removed, which are taken off whatever they lead to, nor for
 * side effects: these meet every claim.
 */
function scopedClaims(
  { lockScopes }: Pick<WritePorts, "lockScopes">,
  request: WriteRequest,
  claims: readonly Claim[],
  links: readonly Links[],
): readonly Claim[] {
  const unchecked = new Set(
    links.filter(({ wanted, all }) => all.length > wanted.length).map(({ target }) => target.name),
  );
  return claims.map((claim) => {
    const scope = unchecked.has(claim.model) ? undefined : lockScopes.of(claim.model, request.viewer);
    return scope === undefined ? claim : { ...claim, scope };
  });
}

/** Stores out of reach make a refusal; other errors are thrown. */
export async function unlessUnavailable(
  ports: Pick<WritePorts, "logger">,
  work: () => Promise<WriteOutcome>,
): Promise<WriteOutcome> {
  try {
    return await work();
  } catch (error) {
    return unavailableRefusal(ports.logger, error, "a write was refused");
  }
}

/**
 * Guards what the write changes besides its record, to be called once the viewer is known to reach the record: the
 * refusal names others. Undefined when nothing is in the way.
 */
export async function guardEffects(
  ports: WritePorts,
  { transaction, effects }: Write,
  key: RecordKey,
): Promise<WriteRefusal | undefined> {
  if (effects === undefined) {
    return undefined;
  }
  for await (const claims of effects.waves(transaction, key)) {
    const guard = await ports.locks.guard(transaction, claims);
    if (guard.kind !== "GRANTED") {
      return { rollBack: await conflictRefusal(ports.tasks, guard) };
    }
  }
  return undefined;
}

/**
 * Guards what the written record refers to, if the database may change the record for it: a task that deletes that
 * holds what hung on it when it began. To be called once the viewer is known to reach it. Undefined when nothing is in
 * the way.
 */
export async function guardReferences(
  ports: WritePorts,
  { transaction, model, request, references }: Write,
  keyOf: () => RecordKey,
): Promise<WriteRefusal | undefined> {
  if (references === undefined) {
    return undefined;
  }
  const claims = claimsOfReferences(await references.of(transaction, [formatRecordKey(model, keyOf())]));
  const guard = await ports.locks.guard(transaction, scopedClaims(ports, request, claims, []));
  return guard.kind === "GRANTED" ? undefined : { rollBack: await conflictRefusal(ports.tasks, guard) };
}

/**
 * Guards the claims, and enters the models of possible side effects in the same call. Claims take their models' locks
 * one after the other in a fixed order, and so does a guard, but only within one call: a model entered in a later one
 * could be another claim's first, waiting for this transaction in its second. Here all are entered in order, before any
 * row is locked; later calls find them entered, so they wait for nobody.
 */
async function guardFirst(
  ports: WritePorts,
  transaction: Transaction,
  claims: readonly Claim[],
  affected: readonly string[],
): Promise<Refused | undefined> {
  const entered = new Set(affected.filter((name) => claims.every((claim) => claim.model !== name)));
  const entering = [...entered].map((name): Claim => ({ model: name, ids: [ANY_NEW_RECORD] }));
  const guard = await ports.locks.guard(transaction, [...claims, ...entering]);
  if (guard.kind === "GRANTED") {
    return undefined;
  }
  // A task that has a whole model is in the way only if there are records of it to change: the waves will tell.
  const conflicts = guard.conflicts.filter(({ model }) => !entered.has(model));
  const passed = guard.conflicts.length - conflicts.length;
  return conflicts.length === 0
    ? undefined
    : { ...guard, conflicts, totalConflicts: guard.totalConflicts - passed };
}

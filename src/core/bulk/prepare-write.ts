import type { Access } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import type { Claim, LockScopes } from "../locks/claim.ts";
import type { LockStore } from "../locks/lock-store.ts";
import type { Model } from "../records/model.ts";
import type { RecordHooks } from "../records/record-hooks.ts";
import type { EffectPlan, SideEffects } from "../records/side-effects.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import { guardEffects } from "./guard-effects.ts";
import { operationsOf } from "./hook-batch.ts";
import type { Links } from "./linked-records.ts";
import { claimsOfLinks } from "./linked-records.ts";
import { newIdsOf } from "./named-batch.ts";
import type { BulkOperation, RecordWork } from "./record-writer.ts";
import { targetScope } from "./write-rights.ts";
import { scopeChecksOf, updatedFieldsOf, writtenFieldsOf } from "./written-fields.ts";

/** What preparing needs. */
export interface PreparePorts {
  readonly access: Access;
  readonly hooks: RecordHooks;
  readonly sideEffects: SideEffects;
  readonly locks: Pick<LockStore, "guard">;
  readonly lockScopes: LockScopes;
}

/** A checked batch of a single write. */
export interface CheckedBatch {
  readonly model: Model;
  readonly operation: Exclude<BulkOperation["operation"], "UPDATE">;
  readonly batch: RecordBatch;
  /** The records that its records link or unlink. */
  readonly links: readonly Links[];
}

/** A checked batch, with everything that writing it needs. */
export interface PreparedWrite {
  readonly work: RecordWork;
  readonly batch: RecordBatch;
  /** On the records, and on those that they link or unlink. */
  readonly claims: readonly Claim[];
  readonly effects: EffectPlan | undefined;
}

/** Finds out what guards and checks the batch, for this viewer. */
export async function prepareWrite(
  ports: PreparePorts,
  viewer: Viewer,
  { model, operation, batch, links }: CheckedBatch,
): Promise<PreparedWrite> {
  const hooks = ports.hooks.of(model, operationsOf(operation), { viewer, isDryRun: false });
  const written = writtenFieldsOf(model, operation, batch.fields.filter(hasValueIn(batch)), hooks);
  const effects = await (operation === "DELETE"
    ? ports.sideEffects.ofDelete(model)
    : ports.sideEffects.ofUpdate(model, updatedFieldsOf(batch.fields)));
  const references = await ports.sideEffects.references(model, written);
  const lockScopeOf = (name: string): string | undefined => ports.lockScopes.of(name, viewer);
  return {
    work: {
      operation,
      model,
      scope: targetScope(ports.access, viewer, model, operation),
      readScope: () => ports.access.scope(model.name, viewer, "READ"),
      hooks,
      // What is deleted leads nowhere.
      ...(operation === "DELETE" ? {} : scopeChecksOf(ports.access, model, viewer, operation, written)),
      references,
      lockScopeOf,
      guardReached: effects && ((transaction, ids) => guardEffects(ports.locks, transaction, effects, ids)),
    },
    batch,
    claims: [
      { model: model.name, ids: idsOf(batch), scope: lockScopeOf(model.name) },
      ...claimsOfLinks(links, lockScopeOf),
    ],
    effects,
  };
}

/** The ids to guard: also the one that a record gets if it is named by another key and not there. */
function idsOf(batch: RecordBatch): readonly string[] {
  return [...new Set([...batch.ids, ...newIdsOf(batch).flatMap((id) => id ?? [])])];
}

/** Whether the batch has a value other than null for a field: null refers to nothing. */
function hasValueIn({ fields, columns }: RecordBatch): (field: string) => boolean {
  return (field) => columns[fields.indexOf(field)]?.some((text) => text !== null) === true;
}

import { Turns } from "../../kernel/turns.ts";
import type { Viewer } from "../access/viewer.ts";

/**
 * The records, or the whole model, that a task asks to hold. `ids` are canonical (see core/records/record-key),
 * without repeats; `"all"` claims the model: every record there is or will be.
 */
export interface Claim {
  readonly model: string;
  readonly ids: readonly string[] | "all";
  /**
   * Narrows a claim on the whole model: it does not conflict with claims of another scope. Different scopes must have
   * different records; one id is the same record in every scope. Default: none, which conflicts with all.
   */
  readonly scope?: string | undefined;
}

/** Ids of records as the app has them, or the whole model. */
export type RecordIds = readonly (string | number | bigint)[] | "all";

/** A viewer's claim on records that the app names. @throws AppError for an unknown model, or an id that is none of it */
export type ClaimOf = (model: string, ids: RecordIds, viewer: Viewer) => Claim;

/** Leaves out claims that name no record: they ask for nothing. */
export function withoutEmptyClaims(claims: readonly Claim[]): readonly Claim[] {
  return claims.filter(({ ids }) => ids.length > 0);
}

/**
 * One claim per model and scope, no id twice. A claim on the whole model replaces those on its records in the same
 * scope; without a scope it replaces every other claim on the model.
 */
export function mergeClaims(claims: readonly Claim[]): readonly Claim[] {
  const groups = new Map<string, Claim[]>();
  for (const claim of withoutEmptyClaims(claims)) {
    const key = JSON.stringify([claim.model, claim.scope ?? ""]);
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, [claim]);
    } else {
      group.push(claim);
    }
  }
  const merged = [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined || group.length === 1 ? group : [{ ...first, ids: unite(group) }];
  });
  const wholes = new Set(merged.filter(isWholeModel).map(({ model }) => model));
  return merged.filter((claim) => isWholeModel(claim) || !wholes.has(claim.model));
}

function isWholeModel({ ids, scope = "" }: Claim): boolean {
  return ids === "all" && scope === "";
}

function unite(claims: readonly Claim[]): Claim["ids"] {
  const ids = new Set<string>();
  for (const claim of claims) {
    if (claim.ids === "all") {
      return "all";
    }
    claim.ids.forEach((id) => ids.add(id));
  }
  return [...ids];
}

/** A record that cannot be claimed; `id` null means the whole model. */
interface Taken {
  readonly model: string;
  readonly id: string | null;
}

/** The part of the claims that is free: without every record and model that a conflict names. */
export function freeOf(claims: readonly Claim[], conflicts: readonly Taken[]): readonly Claim[] {
  const taken = new Map<string, Set<string | null>>();
  for (const { model, id } of conflicts) {
    taken.set(model, (taken.get(model) ?? new Set()).add(id));
  }
  return claims.flatMap((claim) => {
    const takenIds = taken.get(claim.model);
    if (takenIds === undefined) {
      return [claim];
    }
    const isTaken = claim.ids === "all" || takenIds.has(null);
    return isTaken ? [] : [{ ...claim, ids: claim.ids.filter((id) => !takenIds.has(id)) }];
  });
}

/** The lock scopes of viewers: see Claim.scope. */
export interface LockScopes {
  /** The scope of a viewer's claims on the model; undefined for none. */
  of(model: string, viewer: Viewer): string | undefined;
}

/** Ids in the order of their bytes in UTF-8 (PostgreSQL's C collation), without repeats: the order of every claim. */
export function sortIds(ids: readonly string[]): readonly string[] {
  // The native order, by code units, is the same unless there are surrogates.
  const sorted = ids.some((id) => /[\ud800-\udfff]/.test(id)) ? ids.toSorted(compareIds) : ids.toSorted();
  return sorted.filter((id, at) => id !== sorted[at - 1]);
}

/** The most ids that are sorted in one go. */
const SORTED_AT_ONCE = 5_000;
const IDS_PER_LOOK = 500;

/** As {@link sortIds}, in as many turns of the event loop as it takes. */
export async function sortManyIds(ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length <= SORTED_AT_ONCE) {
    return sortIds(ids);
  }
  const turns = new Turns();
  await turns.next();
  const middle = Math.ceil(ids.length / 2);
  const low = await sortManyIds(ids.slice(0, middle));
  const high = await sortManyIds(ids.slice(middle));
  const sorted: string[] = [];
  let [fromLow, fromHigh] = [0, 0];
  while (fromLow < low.length || fromHigh < high.length) {
    const [a, b] = [low[fromLow], high[fromHigh]];
    const order = a === undefined ? 1 : b === undefined ? -1 : compareIds(a, b);
    sorted.push((order > 0 ? b : a) as string);
    fromLow += order > 0 ? 0 : 1;
    fromHigh += order < 0 ? 0 : 1;
    if (sorted.length % IDS_PER_LOOK === 0 && turns.isOver(IDS_PER_LOOK)) {
      await turns.next();
    }
  }
  return sorted;
}

/** The order of two ids by code points, which is that of their bytes in UTF-8. */
function compareIds(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at += 1) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) {
      return rankOf(left) - rankOf(right);
    }
  }
  return a.length - b.length;
}

/** Code units sort like code points but for surrogates, which stand for those above all others. */
function rankOf(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit < 0xe000 ? codeUnit + 0x10000 : codeUnit;
}

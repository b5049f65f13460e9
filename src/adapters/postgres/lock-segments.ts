import type { Claim } from "../../core/locks/claim.ts";
import { sortIds } from "../../core/locks/sort-ids.ts";
import { joinIds } from "./joined-ids.ts";

/** As many ids as a row of `powercrud.lock` holds; `powercrud.store_lock_ids` cuts alike. */
const SEGMENT_SIZE = 500;

/** Parameters that {@link SEGMENTS_SQL} turns into `powercrud.segment[]`. */
export interface SegmentParameters {
  readonly models: readonly string[];
  /** Bounds in the order of the C collation; null for a whole model, like the ids. */
  readonly lowest: readonly (string | null)[];
  readonly highest: readonly (string | null)[];
  readonly ids: readonly (string | null)[];
  readonly separator: string;
}

/** Cuts claims into segments: ids in order, without repeats, bounds noted. */
export function toSegments(claims: readonly Claim[]): SegmentParameters {
  const models: string[] = [];
  const wholeModels: string[] = [];
  const groups: (readonly string[])[] = [];
  for (const [model, ids] of mergeByModel(claims)) {
    if (ids === "all") {
      wholeModels.push(model);
      continue;
    }
    const sorted = sortIds(ids);
    for (let start = 0; start < sorted.length; start += SEGMENT_SIZE) {
      models.push(model);
      groups.push(sorted.slice(start, start + SEGMENT_SIZE));
    }
  }
  const { texts, separator } = joinIds(groups);
  const nothing = wholeModels.map(() => null);
  return {
    models: [...models, ...wholeModels],
    lowest: [...groups.map((ids) => ids[0] ?? null), ...nothing],
    highest: [...groups.map((ids) => ids.at(-1) ?? null), ...nothing],
    ids: [...texts, ...nothing],
    separator,
  };
}

/** One claim a model; a claim on the whole of it takes in the others. */
function mergeByModel(claims: readonly Claim[]): ReadonlyMap<string, readonly string[] | "all"> {
  const merged = new Map<string, readonly string[] | "all">();
  for (const { model, ids } of claims) {
    const before = merged.get(model);
    if (before === undefined) {
      merged.set(model, ids);
    } else {
      merged.set(model, before === "all" || ids === "all" ? "all" : [...before, ...ids]);
    }
  }
  return merged;
}

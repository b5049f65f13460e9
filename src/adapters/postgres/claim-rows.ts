import type { Claim } from "../../core/locks/claim.ts";
import { mergeClaims } from "../../core/locks/claim.ts";
import { sortIds } from "../../core/locks/sort-ids.ts";

/** A segment as read from `powercrud.lock`. */
export interface ClaimRow {
  readonly model: string;
  /** Empty for none. */
  readonly scope: string;
  /** Null for the whole model. */
  readonly ids: readonly string[] | null;
}

/** One claim a model and scope, ids in order; segments of several acquisitions may interleave. */
export function toClaims(rows: readonly ClaimRow[]): readonly Claim[] {
  const claims = rows.map(({ model, scope, ids }): Claim => ({
    model,
    ids: ids ?? "all",
    ...(scope === "" ? {} : { scope }),
  }));
  return mergeClaims(claims).map((claim) => ({
    ...claim,
    ids: claim.ids === "all" ? claim.ids : sortIds(claim.ids),
  }));
}

/**
 * The records, or the whole model, that a task asks to hold. `ids` are canonical (see core/records/record-key),
 * without repeats; `"all"` claims the model: every record there is or will be.
 */
export interface Claim {
  readonly model: string;
  readonly ids: readonly string[] | "all";
}

/** Without those that name no record: they ask for nothing, and nothing is in their way. */
export function withoutEmptyClaims(claims: readonly Claim[]): readonly Claim[] {
  return claims.filter(({ ids }) => ids.length > 0);
}

/**
 * The records, or the whole model, that a task asks to hold. `ids` are canonical (see core/records/record-key),
 * without repeats; `"all"` claims the model: every record there is or will be.
 */
export interface Claim {
  readonly model: string;
  readonly ids: readonly string[] | "all";
  /**
   * Narrows what a claim on the whole model means: it does not meet claims of another scope. Records of different
   * scopes must be different records; one id is one record whatever the scopes. Default: none, which meets all.
   */
  readonly scope?: string | undefined;
}

/** Without those that name no record: they ask for nothing, and nothing is in their way. */
export function withoutEmptyClaims(claims: readonly Claim[]): readonly Claim[] {
  return claims.filter(({ ids }) => ids.length > 0);
}

/**
 * One claim per model and scope, no id twice. A claim on the whole takes in those on its records, and without a scope
 * all others on the model.
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

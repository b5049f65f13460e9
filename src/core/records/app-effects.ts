import type { AppDependents } from "../locks/app-dependents.ts";
import { claimsOfDependents } from "../locks/app-dependents.ts";
import type { Claim, RecordIds } from "../locks/claim.ts";
import { mergeClaims } from "../locks/claim.ts";
import type { ModelOptionsMap } from "./model-options.ts";
import type { EffectPlan, SideEffects } from "./side-effects.ts";

/** What finding an app's dependents needs. */
interface AppEffectsOptions {
  readonly options: ModelOptionsMap;
  /** Prisma's client, for the app's functions. */
  readonly prisma: unknown;
  readonly claimOf: (model: string, ids: RecordIds) => Claim;
}

/** Adds the dependents that the models' options name to the side effects that the database knows of. */
export function withAppEffects(known: SideEffects, options: AppEffectsOptions): SideEffects {
  const planWith = (model: string, plan: EffectPlan | undefined): EffectPlan | undefined => {
    const dependents = options.options[model]?.dependents;
    return dependents === undefined ? plan : addDependents(plan, dependents, options);
  };
  return {
    ...known,
    ofDelete: async (model) => planWith(model.name, await known.ofDelete(model)),
    async ofUpdate(model, updated) {
      const plan = await known.ofUpdate(model, updated);
      // A new record has no dependents yet.
      return updated.columns.length + updated.replaced.length === 0 ? plan : planWith(model.name, plan);
    },
  };
}

function addDependents(
  plan: EffectPlan | undefined,
  dependents: AppDependents,
  { prisma, claimOf }: AppEffectsOptions,
): EffectPlan {
  const find = (ids: readonly string[]): Promise<readonly Claim[]> =>
    claimsOfDependents(dependents, ids, { prisma }, claimOf);
  return {
    models: [...new Set([...(plan?.models ?? []), ...Object.keys(dependents)])],
    async claims(transaction, ids, maxRecords) {
      const found = ids.length === 0 ? [] : await find(ids);
      const own = found.map((claim): Claim => ({
        ...claim,
        ids: claim.ids.length > maxRecords ? "all" : claim.ids,
      }));
      return mergeClaims([...((await plan?.claims(transaction, ids, maxRecords)) ?? []), ...own]);
    },
    async *waves(transaction, id) {
      yield await find([id]);
      yield* plan?.waves(transaction, id) ?? [];
    },
  };
}

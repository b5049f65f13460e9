import type { Access } from "../access/access.ts";
import { andFilters } from "../access/access.ts";
import type { Model } from "./model.ts";
import { relationsOf } from "./model.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { WhereFilter } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";

/** What a record must match once it is written, and what is to be said of one that does not. */
export interface ScopeCheck {
  readonly within: WhereFilter;
  readonly problem: RecordProblem;
}

/**
 * What was written must be within the viewer's scope, and so must what it refers to.
 * @param written names of the fields that are written; of others what they refer to is let be
 */
export function scopeChecks(
  access: Access,
  model: Model,
  viewer: Viewer,
  written: readonly string[],
): readonly ScopeCheck[] {
  const references = relationsOf(model).flatMap((field): ScopeCheck[] => {
    const scope = access.scope(field.type, viewer);
    const [first] = field.foreignKey;
    if (
      scope === undefined ||
      first === undefined ||
      !field.foreignKey.some((name) => written.includes(name))
    ) {
      return [];
    }
    const isWithin = { [field.name]: { is: scope } };
    const within = field.isNullable ? { OR: [{ [field.name]: { is: null } }, isWithin] } : isWithin;
    return [{ within, problem: foreignProblem(first) }];
  });
  const own = andFilters(access.scope(model.name, viewer));
  return own === undefined ? references : [...references, { within: own, problem: outsideProblem(model) }];
}

/** In the database's words for a key that is not there: a caller must not learn which of the two it is. */
function foreignProblem(field: string): RecordProblem {
  return {
    code: "CONSTRAINT_VIOLATED",
    field,
    message: `${field}: there is no record of that key to refer to.`,
  };
}

function outsideProblem(model: Model): RecordProblem {
  return { code: "VALIDATION_FAILED", message: `You may not write a ${model.name} with these values.` };
}

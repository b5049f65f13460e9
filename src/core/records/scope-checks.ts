import type { Access, WhereFilter } from "../access/access.ts";
import type { Model } from "./model.ts";
import { isReadable } from "./field-switches.ts";
import { columnsOf, relationsOf } from "./model.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { Viewer } from "../access/viewer.ts";

/** A filter that a written record must match, and the problem of one that does not. */
export interface ScopeCheck {
  readonly within: WhereFilter;
  readonly problem: RecordProblem;
}

/**
 * The checks that keep a written record, and the records that it refers to, within the viewer's scope.
 * @param own what the written record itself must match
 * @param written names of the written fields; references by other fields are not checked
 */
export function scopeChecks(
  access: Access,
  model: Model,
  viewer: Viewer,
  written: readonly string[],
  own: WhereFilter | undefined,
): readonly ScopeCheck[] {
  const references = relationsOf(model).flatMap((field): ScopeCheck[] => {
    const scope = access.scope(field.type, viewer, "READ");
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
    const isShown = columnsOf(model).some((column) => column.name === first && isReadable(column));
    return [{ within, problem: isShown ? foreignProblem(first) : outsideProblem(model) }];
  });
  return own === undefined ? references : [...references, { within: own, problem: outsideProblem(model) }];
}

/** Worded as for a missing record: a caller must not learn that the record exists. */
function foreignProblem(field: string): RecordProblem {
  return problem(`${field}: there is no record of that key to refer to.`, field, "CONSTRAINT_VIOLATED");
}

/** The problem of a record that the viewer may not have, or make, in this form. */
export function outsideProblem(model: Model): RecordProblem {
  return problem(`You may not write a ${model.apiName} with these values.`);
}

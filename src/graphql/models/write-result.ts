import type { GraphQLResolveInfo } from "graphql";
import type { Model } from "../../core/records/model.ts";
import type { RecordProblem } from "../../core/refusals/problems.ts";
import type { WriteOutcome, Written } from "../../core/records/write-outcome.ts";
import type { WriteRequest } from "../../core/records/write-request.ts";
import type { BuilderTypes, GraphQLContext } from "../builder.ts";
import { namesOf } from "./model-names.ts";
import type { ModelSchema } from "./model-schema.ts";
import type { TypeLookup } from "./object-type.ts";
import { keySelect } from "./object-type.ts";
import { plannedSelect } from "./pothos-dynamic.ts";
import type { Staleness } from "./stale-error.ts";

export type WriteVerb = "Create" | "Update" | "Upsert" | "Delete";
export type WriteResultRef = PothosSchemaTypes.UnionRef<BuilderTypes, WriteOutcome>;

/** Verbs about a record that must be there. */
const NEEDS_RECORD: ReadonlySet<WriteVerb> = new Set<WriteVerb>(["Update", "Delete"]);

/** `UpdateCityResult`, the union of what may become of the write: the payload with the record, or why not. */
export function addWriteResult(
  { builder, refs }: ModelSchema,
  types: TypeLookup,
  model: Model,
  verb: WriteVerb,
  staleness?: Staleness,
): WriteResultRef {
  const name = payloadName(model, verb);
  const payload = builder.objectRef<Written>(name).implement({
    description: verb === "Delete" ? "The record that is gone, as it was." : "The record as it is now.",
    fields: (t) => ({
      [namesOf(model).one]: t.field({
        type: types.object(model.name),
        resolve: ({ record }) => record as never,
      }),
    }),
  });
  const missing = NEEDS_RECORD.has(verb) ? [refs.notFoundError] : [];
  const stale = staleness === undefined ? [] : [staleness.error];
  const refusals = [refs.conflictError, refs.validationError, ...missing, ...stale, refs.unavailableError];
  return builder.unionType(`${verb}${model.name}Result`, {
    description: "A refusal has changed nothing.",
    types: [payload, ...refusals] as never,
    resolveType: (outcome: WriteOutcome) => memberOf(outcome, name, staleness),
  });
}

const MEMBERS = {
  CONFLICT: "ConflictError",
  INVALID: "ValidationError",
  MISSING: "NotFoundError",
  UNAVAILABLE: "UnavailableError",
} as const;

function memberOf(outcome: WriteOutcome, payload: string, staleness: Staleness | undefined): string {
  if (outcome.kind === "WRITTEN") {
    return payload;
  }
  if (outcome.kind !== "STALE") {
    return MEMBERS[outcome.kind];
  }
  if (staleness === undefined) {
    throw new TypeError("a record was found stale that nobody asked about");
  }
  return staleness.errorName;
}

function payloadName(model: Model, verb: WriteVerb): string {
  return `${verb}${model.name}Payload`;
}

/** What the document asks to be handed back, and who asks. */
export function writeRequest(
  model: Model,
  verb: WriteVerb,
  context: GraphQLContext,
  info: GraphQLResolveInfo,
): WriteRequest {
  const path = [{ type: payloadName(model, verb), name: namesOf(model).one }];
  const select = plannedSelect(context, info, {
    typeName: model.name,
    select: keySelect(model),
    paths: [path],
  });
  return { model: model.name, viewer: context.viewer, shape: { select } };
}

/** The refusal of an input before anything is asked of the database. */
export function invalidInput(problems: readonly RecordProblem[]): WriteOutcome {
  return { kind: "INVALID", message: problems.map((problem) => problem.message).join(" "), problems };
}

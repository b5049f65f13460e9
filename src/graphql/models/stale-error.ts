import type { ArgBuilder, ArgumentRef, ImplementableObjectRef } from "@pothos/core";
import type { GraphQLResolveInfo } from "graphql";
import type { ColumnField, Model } from "../../core/records/model.ts";
import { updatedAtField } from "../../core/records/model.ts";
import type { RecordProblem } from "../../core/refusals/problems.ts";
import type { StaleRefusal } from "../../core/refusals/refusals.ts";
import type { ExpectedState } from "../../core/records/write-request.ts";
import type { ErrorCode } from "../../kernel/error-codes.ts";
import type { BuilderTypes, GraphQLContext } from "../builder.ts";
import type { ModelSchema } from "./model-schema.ts";
import type { TypeLookup } from "./object-type.ts";
import { keySelect } from "./object-type.ts";
import { plannedSelect } from "./pothos-dynamic.ts";

/** The check on staleness that a model's mutations offer. */
export interface Staleness {
  /** The `@updatedAt` field. */
  readonly field: ColumnField;
  readonly errorName: string;
  readonly error: ImplementableObjectRef<BuilderTypes, StaleRefusal>;
}

/** `StaleCityError`, one per model: it carries the record. Undefined for a model without `@updatedAt`. */
export function addStaleError(
  { builder, refs }: ModelSchema,
  types: TypeLookup,
  model: Model,
): Staleness | undefined {
  const field = updatedAtField(model);
  if (field === undefined) {
    return undefined;
  }
  const errorName = `Stale${model.name}Error`;
  const error = builder.objectRef<StaleRefusal>(errorName);
  error.implement({
    description: `The record has changed since the caller read it: its ${field.name} is not the expected one.`,
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({ type: "String", resolve: () => "STALE_RECORD" satisfies ErrorCode }),
      current: t.field({
        type: types.object(model.name),
        description: "The record as it is now.",
        resolve: ({ current }) => current as never,
      }),
    }),
  });
  return { field, errorName, error };
}

/** The argument `expectedUpdatedAt`; none for a model without such a field. */
export function expectedArgument(
  staleness: Staleness | undefined,
  arg: ArgBuilder<BuilderTypes>,
): { expectedUpdatedAt?: ArgumentRef<BuilderTypes, Date | null | undefined> } {
  return staleness === undefined
    ? {}
    : {
        expectedUpdatedAt: arg({
          type: "DateTime",
          description: `The record's ${staleness.field.name} as the caller last read it: refused with STALE_RECORD where it has another by now. Left out, the record's state does not matter.`,
        }),
      };
}

/** What the use case compares with and hands back of a record that differs, or what is wrong with the argument. */
export function parseExpected(
  model: Model,
  staleness: Staleness | undefined,
  updatedAt: Date | null | undefined,
  context: GraphQLContext,
  info: GraphQLResolveInfo,
): { readonly expected: ExpectedState | undefined } | { readonly problems: readonly RecordProblem[] } {
  if (staleness === undefined || updatedAt === undefined) {
    return { expected: undefined };
  }
  if (updatedAt === null) {
    return { problems: [NOT_FILLED_IN] };
  }
  const select = plannedSelect(context, info, {
    typeName: model.name,
    select: { ...keySelect(model), [staleness.field.name]: true },
    paths: [[{ type: staleness.errorName, name: "current" }]],
  });
  return { expected: { updatedAt, shape: { select } } };
}

/** A check that somebody meant to make is not to be skipped for a variable that was forgotten. */
const NOT_FILLED_IN: RecordProblem = {
  code: "VALIDATION_FAILED",
  field: "expectedUpdatedAt",
  message: "expectedUpdatedAt cannot be null. Leave it out to write whatever the record's state.",
};

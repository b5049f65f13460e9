import type { ArgBuilder, ArgumentRef, ImplementableObjectRef } from "@pothos/core";
import type { ColumnField, Model } from "../../core/records/model.ts";
import { shownUpdatedAt } from "../../core/records/writable-fields.ts";
import type { StaleRefusal } from "../../core/refusals/refusals.ts";
import type { ExpectedState } from "../../core/bulk/write-request.ts";
import type { ErrorCode } from "../../kernel/error-codes.ts";
import type { BuilderTypes } from "../builder.ts";
import type { LoadedRecord } from "../../core/records/record-lists.ts";
import type { ModelSchema } from "./model-schema.ts";
import type { TypeLookup } from "./object-type.ts";
import type { ReadPlan } from "./read-record.ts";

/** The staleness check of a model's mutations. */
export interface Staleness {
  /** The `@updatedAt` field. */
  readonly field: ColumnField;
  readonly errorName: string;
  readonly error: ImplementableObjectRef<BuilderTypes, StaleRefusal>;
}

/** `StaleCityError`, one per model: it carries the record. Undefined for a model without `@updatedAt`. */
export function addStaleError(
  { builder, names, refs }: ModelSchema,
  types: TypeLookup,
  model: Model,
): Staleness | undefined {
  const field = shownUpdatedAt(model);
  if (field === undefined) {
    return undefined;
  }
  const errorName = names.of(model).staleError;
  const error = builder.objectRef<StaleRefusal>(errorName);
  error.implement({
    description: `The record has changed since the caller read it: its ${field.apiName} is not the expected one.`,
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({ type: refs.errorCode, resolve: (): ErrorCode => "STALE_RECORD" }),
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
): { expectedUpdatedAt?: ArgumentRef<BuilderTypes, string | null | undefined> } {
  return staleness === undefined
    ? {}
    : {
        expectedUpdatedAt: arg({
          type: "DateTime",
          description: `The record's ${staleness.field.apiName} as the caller last read it: refused with STALE_RECORD where it has another by now. Left out, the record's state does not matter.`,
        }),
      };
}

/** The expected `updatedAt`, and how to read a stale record; undefined if the caller expects nothing. */
export function expectedState(
  staleness: Staleness | undefined,
  updatedAt: string | null | undefined,
  read: (plan: Pick<ReadPlan, "paths" | "select">) => Promise<LoadedRecord | null>,
): ExpectedState | undefined {
  if (staleness === undefined || updatedAt === undefined) {
    return undefined;
  }
  return {
    updatedAt,
    readCurrent: () =>
      read({
        select: { [staleness.field.name]: true },
        paths: [[{ type: staleness.errorName, name: "current" }]],
      }),
  };
}

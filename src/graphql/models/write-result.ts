import type { WriteOutcome } from "../../core/bulk/write-outcome.ts";
import type { ColumnField, Model } from "../../core/records/model.ts";
import type { BuilderTypes } from "../builder.ts";
import { refusalTypeOf } from "../../core/refusals/refusals.ts";
import type { LoadedRecord } from "../../core/records/record-lists.ts";
import type { ModelSchema } from "./model-schema.ts";
import type { TypeLookup } from "./object-type.ts";
import type { PlannedPath } from "./pothos-dynamic.ts";
import type { PlanRoot } from "./plan-selection.ts";
import { planSelection } from "./plan-selection.ts";
import { readRecord } from "./read-record.ts";
import type { Staleness } from "./stale-error.ts";

export type WriteVerb = "Create" | "Update" | "Upsert" | "Delete";

const PAYLOADS = {
  Create: "createPayload",
  Update: "updatePayload",
  Upsert: "upsertPayload",
  Delete: "deletePayload",
} as const satisfies Record<WriteVerb, string>;

const RESULTS = {
  Create: "createResult",
  Update: "updateResult",
  Upsert: "upsertResult",
  Delete: "deleteResult",
} as const satisfies Record<WriteVerb, string>;

/** A record that was written. */
type Written = Extract<WriteOutcome, { kind: "WRITTEN" }> & {
  /** For a delete: the record as it was, with what the document selects. */
  readonly before?: LoadedRecord | null;
};

/** The result of a mutation. */
export type WriteAnswer = Exclude<WriteOutcome, { kind: "WRITTEN" }> | Written;
export type WriteResultRef = PothosSchemaTypes.UnionRef<BuilderTypes, WriteAnswer>;

/** Mutations of an existing record. */
const NEEDS_RECORD: ReadonlySet<WriteVerb> = new Set<WriteVerb>(["Update", "Delete"]);

/** `UpdateCityResult`, a union of the payload with the record and of the refusals. */
export function addWriteResult(
  schema: ModelSchema,
  types: TypeLookup,
  model: Model,
  verb: WriteVerb,
  staleness?: Staleness,
): WriteResultRef {
  const { builder, refs, ports } = schema;
  const names = schema.names.of(model);
  const name = names[PAYLOADS[verb]];
  const isDelete = verb === "Delete";
  const payload = builder.objectRef<Written>(name).implement({
    description: isDelete ? "The record that is gone, as it was." : "The record as it is now.",
    fields: (t) => ({
      [names.one]: t.field({
        type: types.object(model.name),
        nullable: true,
        description: isDelete
          ? "As it was right before; null if another write created it only then."
          : "Read once it is written; null if another write has deleted it by then.",
        resolve: ({ id, before, record }, _args, context, info) =>
          isDelete
            ? (before ?? null)
            : (record ?? readRecord(ports, model, { kind: "ID", id }, { context, info })),
      }),
    }),
  });
  const missing = NEEDS_RECORD.has(verb) ? [refs.notFoundError] : [];
  const stale = staleness === undefined ? [] : [staleness.error];
  const refusals = [
    refs.forbiddenError,
    refs.conflictError,
    refs.validationError,
    ...missing,
    ...stale,
    refs.unavailableError,
  ];
  return builder.unionType(names[RESULTS[verb]], {
    description: "A refusal has changed nothing.",
    types: [payload, ...refusals] as never,
    resolveType: ({ kind }: WriteAnswer) =>
      kind === "WRITTEN" ? name : kind === "STALE" ? names.staleError : refusalTypeOf(kind),
  });
}

/**
 * The columns that the document selects of the written record, for the write to return. Undefined if it selects more than
 * columns: the record is read then.
 * @param paths see {@link payloadPaths}
 */
export function returnedColumns(
  schema: ModelSchema,
  model: Model,
  paths: readonly PlannedPath[],
  root: PlanRoot,
): readonly ColumnField[] | undefined {
  const { columns, ones, lists } = planSelection(schema.ports, model, root, { paths });
  return ones.length + lists.length > 0 || columns.length > MAX_RETURNED ? undefined : columns;
}

/** PostgreSQL takes 1,664 columns in a list. */
const MAX_RETURNED = 1_000;

/** The path to the record in a mutation's result. */
export function payloadPaths({ names }: ModelSchema, model: Model, verb: WriteVerb): readonly PlannedPath[] {
  const { [PAYLOADS[verb]]: type, one } = names.of(model);
  return [[{ type, name: one }]];
}

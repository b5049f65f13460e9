import type { RecordProblem } from "../core/refusals/problems.ts";
import type { Viewer } from "../core/access/viewer.ts";
import { modelNamer } from "../core/records/model.ts";
import { describeConflict } from "../core/refusals/conflict-refusal.ts";
import type { ConflictRefusal } from "../core/refusals/refusals.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { SchemaContext } from "./builder.ts";
import { idsOf } from "./record-ids.ts";
import { GraphQLError } from "graphql";
import { REFUSALS } from "../core/refusals/refusals.ts";
import { ALL_SEEN, shownTask } from "../core/tasks/task-sight.ts";
import { isAppError } from "../kernel/app-error.ts";

/** Conflicts returned when the caller does not say how many. */
const DEFAULT_CONFLICTS = 10;

/** The types of refusals, members of result unions: each implements `Error`. */
export function addErrorTypes(schema: SchemaContext): void {
  addErrorInterface(schema);
  addConflictError(schema);
  addValidationError(schema);
  addPlainErrors(schema);
}

function addErrorInterface({ refs }: SchemaContext): void {
  refs.error.implement({
    description: "An expected refusal. Nothing was changed. Branch on the code; show the message.",
    fields: (t) => ({
      message: t.exposeString("message", { description: "The problem and its solution." }),
      code: t.field({
        type: refs.errorCode,
        // Each type has its own; an interface's resolver is never called.
        resolve: (): ErrorCode => "INTERNAL",
      }),
    }),
  });
}

function addConflictError({ builder, refs, models, sight = ALL_SEEN }: SchemaContext): void {
  const shown = (refusal: ConflictRefusal, viewer: Viewer): ConflictRefusal["conflicts"] =>
    refusal.conflicts.map((one) => ({ ...one, heldBy: shownTask(sight, viewer, one.heldBy) }));
  const recordConflict = builder.objectRef<ConflictRefusal["conflicts"][number]>("RecordConflict").implement({
    description: "A record that another task holds, or stands in line for.",
    fields: (t) => ({
      model: t.expose("model", { type: refs.modelName }),
      // Not `id`: caches would take the conflict for the record itself.
      recordId: t.exposeID("id", {
        nullable: true,
        description: "Null where the whole model is held.",
        ...idsOf(({ model }: { readonly model: string }) => model),
      }),
      heldBy: t.expose("heldBy", {
        type: refs.task,
        description: "The task that holds it, as it is now; when that is WAITING, it stands in line for it.",
      }),
    }),
  });
  refs.conflictError.implement({
    description: REFUSALS.CONFLICT.words,
    interfaces: [refs.error],
    fields: (t) => ({
      message: t.string({
        description: "The problem and its solution.",
        resolve: (refusal, _args, { viewer }) =>
          sight.scopeOf(viewer) === undefined
            ? refusal.message
            : describeConflict({ ...refusal, conflicts: shown(refusal, viewer) }, modelNamer(models)),
      }),
      code: t.field({ type: refs.errorCode, resolve: () => REFUSALS.CONFLICT.codes[0] }),
      totalConflicts: t.exposeInt("totalConflicts"),
      conflicts: t.field({
        type: [recordConflict],
        description: `The first conflicts, by model and id; at most 1,000 are listed. Default: ${DEFAULT_CONFLICTS}.`,
        args: { first: t.arg.int() },
        resolve: (refusal, { first }, { viewer }) =>
          shown(refusal, viewer).slice(0, Math.max(0, first ?? DEFAULT_CONFLICTS)),
      }),
    }),
  });
}

function addValidationError({ builder, refs }: SchemaContext): void {
  const fieldProblem = builder.objectRef<RecordProblem>("FieldProblem").implement({
    description: "What is wrong with one field.",
    fields: (t) => ({
      field: t.exposeString("field", {
        nullable: true,
        description: "Null where no single field is at fault.",
      }),
      message: t.exposeString("message"),
      code: t.expose("code", { type: refs.errorCode }),
    }),
  });
  refs.validationError.implement({
    description: REFUSALS.INVALID.words,
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({
        type: refs.errorCode,
        resolve: ({ problems }) => problems[0]?.code ?? REFUSALS.INVALID.codes[0],
      }),
      problems: t.expose("problems", { type: [fieldProblem], description: "One per field at fault." }),
    }),
  });
}

function addPlainErrors({ refs }: SchemaContext): void {
  refs.notFoundError.implement({
    description: REFUSALS.MISSING.words,
    interfaces: [refs.error],
    fields: (t) => ({ code: t.field({ type: refs.errorCode, resolve: () => REFUSALS.MISSING.codes[0] }) }),
  });
  refs.forbiddenError.implement({
    description: REFUSALS.FORBIDDEN.words,
    interfaces: [refs.error],
    fields: (t) => ({ code: t.field({ type: refs.errorCode, resolve: () => REFUSALS.FORBIDDEN.codes[0] }) }),
  });
  refs.limitError.implement({
    description: REFUSALS.LIMIT.words,
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({ type: refs.errorCode, resolve: () => REFUSALS.LIMIT.codes[0] }),
      limit: t.exposeInt("limit"),
      matched: t.exposeInt("matched", {
        nullable: true,
        description: "Null where counting stopped at the limit.",
      }),
    }),
  });
  refs.idempotencyError.implement({
    description: REFUSALS.IDEMPOTENCY_MISMATCH.words,
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({ type: refs.errorCode, resolve: () => REFUSALS.IDEMPOTENCY_MISMATCH.codes[0] }),
      task: t.expose("task", { type: refs.task, description: "The task that was launched under the key." }),
    }),
  });
  refs.unavailableError.implement({
    description: REFUSALS.UNAVAILABLE.words,
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({ type: refs.errorCode, resolve: () => REFUSALS.UNAVAILABLE.codes[0] }),
    }),
  });
}

/**
 * An {@link AppError} as a GraphQL error: its message, with code and details under `extensions`. Other errors are
 * returned as they are; the server masks and logs them.
 */
export function toGraphQLError(error: unknown): unknown {
  if (!isAppError(error) || error.code === "INTERNAL") {
    return error;
  }
  return new GraphQLError(error.message, { extensions: { ...error.details, code: error.code } });
}

import type { RecordProblem } from "../../core/refusals/problems.ts";
import type { ConflictRefusal } from "../../core/refusals/refusals.ts";
import type { ErrorCode } from "../../kernel/error-codes.ts";
import type { SchemaContext } from "../builder.ts";

/** Conflicts handed out when the caller does not say how many. */
const DEFAULT_CONFLICTS = 10;

/** The types of expected refusals: members of result unions that all implement `Error`. */
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
      message: t.exposeString("message", { description: "What was wrong, and what would be right." }),
      code: t.field({
        type: "String",
        description: "From the closed list of codes.",
        // Each member says its own; an interface's resolver is never asked.
        resolve: () => "INTERNAL" satisfies ErrorCode,
      }),
    }),
  });
}

function addConflictError({ builder, refs }: SchemaContext): void {
  const recordConflict = builder.objectRef<ConflictRefusal["conflicts"][number]>("RecordConflict").implement({
    description: "A record that another task holds, or stands in line for.",
    fields: (t) => ({
      model: t.expose("model", { type: refs.modelName }),
      id: t.exposeID("id", { nullable: true, description: "Null where the whole model is held." }),
      heldBy: t.expose("heldBy", {
        type: refs.task,
        description: "The task that holds it, as it is now; when that is WAITING, it stands in line for it.",
      }),
    }),
  });
  refs.conflictError.implement({
    description: "Another task holds, or stands in line for, a record that the operation would write.",
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({ type: "String", resolve: () => "CONFLICT" satisfies ErrorCode }),
      totalConflicts: t.exposeInt("totalConflicts"),
      conflicts: t.field({
        type: [recordConflict],
        description: `The first conflicts, by model and id; at most 1,000 are listed. Default: ${DEFAULT_CONFLICTS}.`,
        args: { first: t.arg.int() },
        resolve: ({ conflicts }, { first }) => conflicts.slice(0, Math.max(0, first ?? DEFAULT_CONFLICTS)),
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
      code: t.exposeString("code"),
    }),
  });
  refs.validationError.implement({
    description: "The input has the right shape and an impossible value, or the database's rules refuse it.",
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({
        type: "String",
        resolve: ({ problems }) => problems[0]?.code ?? ("VALIDATION_FAILED" satisfies ErrorCode),
      }),
      problems: t.expose("problems", { type: [fieldProblem], description: "One per field at fault." }),
    }),
  });
}

function addPlainErrors({ refs }: SchemaContext): void {
  refs.notFoundError.implement({
    description: "The record or task is not there, or not for the caller to see.",
    interfaces: [refs.error],
    fields: (t) => ({ code: t.field({ type: "String", resolve: () => "NOT_FOUND" satisfies ErrorCode }) }),
  });
  refs.limitError.implement({
    description: "More records match than `maxAffected`, or the service, allows.",
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({ type: "String", resolve: () => "LIMIT_EXCEEDED" satisfies ErrorCode }),
      limit: t.exposeInt("limit"),
      matched: t.exposeInt("matched", {
        nullable: true,
        description: "Null where counting stopped at the limit.",
      }),
    }),
  });
  refs.idempotencyError.implement({
    description: "The idempotency key was used before, with other input.",
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({ type: "String", resolve: () => "IDEMPOTENCY_MISMATCH" satisfies ErrorCode }),
      task: t.expose("task", { type: refs.task, description: "The task that was launched under the key." }),
    }),
  });
  refs.unavailableError.implement({
    description: "A store or queue that the operation needs cannot be reached.",
    interfaces: [refs.error],
    fields: (t) => ({ code: t.field({ type: "String", resolve: () => "UNAVAILABLE" satisfies ErrorCode }) }),
  });
}

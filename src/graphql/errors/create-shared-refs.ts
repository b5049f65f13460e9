import type { Launched, LaunchOutcome } from "../../core/tasks/launch-outcome.ts";
import type {
  ConflictRefusal,
  IdempotencyRefusal,
  LimitRefusal,
  UnavailableRefusal,
  ValidationRefusal,
} from "../../core/tasks/launch-outcome.ts";
import type { ModelRegistry } from "../../core/records/model.ts";
import type { MissingRefusal } from "../../core/refusals/refusals.ts";
import type { Task } from "../../core/tasks/task.ts";
import { assertNever } from "../../kernel/assert-never.ts";
import type { BulkOptionsRef, PageInfo, PowerCrudBuilder, Refusal, SharedRefs } from "../builder.ts";

/** Makes the refs that the rooms of this floor share; see {@link SharedRefs} for who implements which. */
export function createSharedRefs(builder: PowerCrudBuilder, models: ModelRegistry): SharedRefs {
  const refs = {
    task: builder.objectRef<Task>("Task"),
    taskLaunched: builder.objectRef<Launched>("TaskLaunched"),
    pageInfo: builder.objectRef<PageInfo>("PageInfo"),
    error: builder.interfaceRef<Refusal>("Error"),
    conflictError: builder.objectRef<ConflictRefusal>("ConflictError"),
    validationError: builder.objectRef<ValidationRefusal>("ValidationError"),
    notFoundError: builder.objectRef<MissingRefusal>("NotFoundError"),
    limitError: builder.objectRef<LimitRefusal>("LimitError"),
    idempotencyError: builder.objectRef<IdempotencyRefusal>("IdempotencyError"),
    unavailableError: builder.objectRef<UnavailableRefusal>("UnavailableError"),
  };
  const modelName = builder.enumType("ModelName", {
    description: "The names of the models, as in the Prisma schema.",
    values: models.all().map((model) => model.name),
  });
  const launchResult = builder.unionType("LaunchResult", {
    description: "What becomes of a launch: the task, or why not. A refused launch has changed nothing.",
    types: [
      refs.taskLaunched,
      refs.conflictError,
      refs.validationError,
      refs.limitError,
      refs.idempotencyError,
      refs.notFoundError,
      refs.unavailableError,
    ],
    resolveType: (outcome) => typeNameOf(outcome),
  });
  const bulkOptions: BulkOptionsRef = builder.inputRef("BulkOptions");
  return { ...refs, bulkOptions, modelName, launchResult };
}

function typeNameOf(outcome: LaunchOutcome): string {
  switch (outcome.kind) {
    case "LAUNCHED":
      return "TaskLaunched";
    case "CONFLICT":
      return "ConflictError";
    case "INVALID":
      return "ValidationError";
    case "LIMIT":
      return "LimitError";
    case "IDEMPOTENCY_MISMATCH":
      return "IdempotencyError";
    case "MISSING":
      return "NotFoundError";
    case "UNAVAILABLE":
      return "UnavailableError";
    default:
      return assertNever(outcome);
  }
}

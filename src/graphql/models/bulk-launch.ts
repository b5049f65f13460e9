import type { BulkTarget } from "../../core/bulk/bulk-request.ts";
import type { Model } from "../../core/records/model.ts";
import type { LaunchOptions } from "../../core/tasks/launch-options.ts";
import type { LaunchOutcome } from "../../core/tasks/launch/launch-outcome.ts";
import { isAppError } from "../../kernel/app-error.ts";
import type { GraphQLContext } from "../context.ts";
import { givenMembers } from "./given-members.ts";
import type { ModelSchema } from "./model-schema.ts";

/** What one bulk mutation asks for. */
export interface BulkLaunch {
  readonly model: Model;
  /** As GraphQL hands them over: names and types checked, defaults filled in. */
  readonly options: LaunchOptions | null | undefined;
  /** @throws AppError VALIDATION_FAILED with the path of what is wrong in its details */
  readonly parse: () => BulkTarget;
}

/** Launches it; what cannot be parsed is refused like anything else that is invalid. */
export async function launch(
  { ports }: ModelSchema,
  { viewer }: GraphQLContext,
  { model, options, parse }: BulkLaunch,
): Promise<LaunchOutcome> {
  let target: BulkTarget;
  try {
    target = parse();
  } catch (error) {
    if (!isAppError(error, "VALIDATION_FAILED")) {
      throw error;
    }
    const { code, message } = error;
    return {
      kind: "INVALID",
      message,
      problems: [{ code, message, field: String(error.details["field"]) }],
    };
  }
  return ports.launchBulk({ model: model.name, viewer, options: givenMembers(options ?? {}), ...target });
}

import type { BulkTarget } from "../../core/bulk/bulk-request.ts";
import type { Model } from "../../core/records/model.ts";
import type { LaunchOptions } from "../../core/tasks/launch-options.ts";
import type { LaunchOutcome } from "../../core/tasks/launch-outcome.ts";
import type { Parsed } from "../../core/refusals/problems.ts";
import { invalid } from "../../core/refusals/problems.ts";
import type { GraphQLContext } from "../context.ts";
import { givenMembers } from "./row-data.ts";
import type { ModelSchema } from "./model-schema.ts";

/** What one bulk mutation asks for. */
export interface BulkLaunch {
  readonly model: Model;
  /** As GraphQL hands them over: names and types checked, defaults filled in. */
  readonly options: LaunchOptions | null | undefined;
  readonly parse: () => Parsed<BulkTarget>;
}

/** Launches it; what cannot be parsed is refused like anything else that is invalid. */
export async function launch(
  { ports }: ModelSchema,
  { viewer }: GraphQLContext,
  { model, options, parse }: BulkLaunch,
): Promise<LaunchOutcome> {
  const target = parse();
  if ("problems" in target) {
    return invalid(target.problems);
  }
  return ports.launchBulk({
    model: model.name,
    viewer,
    options: givenMembers(options ?? {}),
    ...target.value,
  });
}

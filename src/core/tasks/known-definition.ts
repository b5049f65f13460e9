import { isAppError } from "../../kernel/app-error.ts";
import type { TaskDefinition, TaskDefinitions } from "./task-definition.ts";

/** The definition of the kind; undefined where this process has none. */
export function knownDefinition(
  definitions: TaskDefinitions | undefined,
  kind: string,
): TaskDefinition | undefined {
  try {
    return definitions?.get(kind);
  } catch (error) {
    if (isAppError(error, "UNKNOWN_KIND")) {
      return undefined;
    }
    throw error;
  }
}

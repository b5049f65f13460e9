import { AppError } from "../../kernel/app-error.ts";
import type { TaskDefinition, TaskDefinitions } from "./task-definition.ts";

/** @throws AppError INVALID_CONFIG when two definitions share a kind */
export function createTaskDefinitions(definitions: readonly TaskDefinition[]): TaskDefinitions {
  const byKind = new Map<string, TaskDefinition>();
  for (const definition of definitions) {
    if (byKind.has(definition.kind)) {
      throw new AppError("INVALID_CONFIG", `Two task definitions share the kind "${definition.kind}".`);
    }
    byKind.set(definition.kind, definition);
  }
  return {
    get(kind) {
      const definition = byKind.get(kind);
      if (definition === undefined) {
        throw new AppError(
          "UNKNOWN_KIND",
          `There is no task kind "${kind}". Known: ${[...byKind.keys()].join(", ")}.`,
        );
      }
      return definition;
    },
  };
}

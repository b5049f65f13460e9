import type { Json, JsonObject } from "../../kernel/json.ts";
import type { Task } from "../tasks/task.ts";
import { bulkOperationOf } from "./bulk-kinds.ts";

/** A task's input as the caller gave it: without what a launch notes beside a list of records for the worker. */
export function givenInput({ kind, input }: Pick<Task, "kind" | "input">): Json {
  if (bulkOperationOf(kind) === undefined || typeof input !== "object" || input === null) {
    return input;
  }
  const { updatedFields: _noted, ...given } = input as JsonObject;
  return given;
}

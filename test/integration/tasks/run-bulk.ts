import type { BulkRequest, Task } from "../../../src/index.ts";
import { ANONYMOUS } from "../../../src/index.ts";
import type { NewTaskError } from "../../../src/core/tasks/task-error.ts";
import type { ServiceFixture } from "./service-fixture.ts";

/** A settled task with its errors, by record. */
export type RunTask = Task & { readonly errors: readonly NewTaskError[] };

/** Runs a bulk operation on cities; by default SKIP_FAILED, in a worker, by an anonymous viewer. @throws when it is refused */
export async function runBulk(
  service: ServiceFixture,
  request: Pick<BulkRequest, "operation"> & Partial<BulkRequest>,
): Promise<RunTask> {
  const outcome = await service.api.tasks.launchBulk({
    model: "City",
    viewer: ANONYMOUS,
    options: { errorPolicy: "SKIP_FAILED", mode: "ASYNC" },
    ...request,
  } as BulkRequest);
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(outcome.message);
  }
  const task = await service.settled(outcome.task.id);
  const errors = await service.api.tasks.errors(task, { limit: 100 });
  return { ...task, errors: errors.toSorted((a, b) => Number(a.recordId) - Number(b.recordId)) };
}

import type { NewTask } from "../../src/core/tasks/new-tasks.ts";
import { createId } from "../../src/kernel/ids.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
let made = 0;

/** A new task. Each is a second younger than the one before. */
export function sampleTask(parts: Partial<NewTask> = {}): NewTask {
  made += 1;
  const createdAt = parts.createdAt ?? new Date(START + made * 1_000);
  return {
    id: createId(createdAt),
    kind: "bulkUpdate",
    model: "City",
    label: null,
    viewer: { id: "ann" },
    errorPolicy: "SKIP_FAILED",
    isDryRun: false,
    onConflict: "REJECT",
    retryOf: null,
    parent: null,
    schedule: null,
    notify: null,
    concurrency: null,
    input: { change: { status: { set: "ARCHIVED" } } },
    idempotencyKey: null,
    duplicateKey: null,
    inputHash: "hash",
    createdAt,
    total: null,
    chunks: [],
    claims: [],
    skipped: [],
    ...parts,
  };
}

/** That many milliseconds after a task was created. */
export function after(task: NewTask, ms: number): Date {
  return new Date(task.createdAt.getTime() + ms);
}

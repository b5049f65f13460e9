import { describe, expect, it } from "vitest";
import { createMemoryEventLog } from "../../../support/memory/memory-event-log.ts";
import { createMemoryTaskStore } from "../../../support/memory/memory-task-store.ts";
import { createMemoryUnitOfWork } from "../../../support/memory/memory-unit-of-work.ts";
import { NO_COUNTS, progressOf } from "../../../../src/core/tasks/progress.ts";
import type { NewTask } from "../../../../src/core/tasks/new-tasks.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";

const at = new Date("2026-01-01T00:00:00.000Z");
const unitOfWork = createMemoryUnitOfWork({ logger: createSilentLogger() });

function newTask(id: string): NewTask {
  return {
    id,
    kind: "kind",
    model: null,
    label: null,
    viewer: { id: null },
    errorPolicy: "SKIP_FAILED",
    isDryRun: false,
    onConflict: "REJECT",
    retryOf: null,
    parent: null,
    schedule: null,
    notify: null,
    concurrency: null,
    input: null,
    idempotencyKey: null,
    duplicateKey: null,
    inputHash: "hash",
    createdAt: at,
    total: null,
    chunks: [],
    claims: [],
    skipped: [],
  };
}

describe("memory adapters", () => {
  it("keep the latest events, and their numbers go on", async () => {
    const log = createMemoryEventLog({ maxEvents: 10 });
    for (let count = 0; count < 100; count += 1) {
      await unitOfWork.run((transaction) =>
        log.append(transaction, {
          taskId: "t",
          type: "POSTPONE",
          at,
          progress: progressOf(1, NO_COUNTS),
          message: null,
        }),
      );
    }
    const events = await log.replay({ after: 0, limit: 1_000 });
    expect(events.length).toBeGreaterThanOrEqual(10);
    expect(events.length).toBeLessThanOrEqual(15);
    expect(events.at(-1)).toMatchObject({ position: 100, sequence: 100 });
    expect(await log.head()).toBe(100);
  });

  it("forget the oldest cleaned task for a new one, and refuse one where none is cleaned", async () => {
    const store = createMemoryTaskStore({ maxTasks: 2 });
    const create = (id: string): Promise<unknown> =>
      unitOfWork.run((transaction) => store.create(transaction, newTask(id)));
    await create("a");
    await create("b");
    await expect(create("c")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await unitOfWork.run(async (transaction) => {
      await store.settle(transaction, "b", 0, {
        status: "CANCELLED",
        message: null,
        result: null,
        counts: NO_COUNTS,
        finishedAt: at,
      });
      await store.markCleaned(transaction, "b");
    });
    await create("c");
    expect([...(await store.find(["a", "b", "c"])).keys()]).toEqual(["a", "c"]);
  });

  it("refuse the transactions of strangers", async () => {
    const stranger = { session: undefined, onCommit: () => undefined, onRollback: () => undefined };
    const log = createMemoryEventLog();
    const event = {
      taskId: "t",
      type: "POSTPONE",
      at,
      progress: progressOf(1, NO_COUNTS),
      message: null,
    } as const;
    await expect(log.append(stranger, event)).rejects.toThrow(TypeError);
  });
});

import { expect, test } from "vitest";
import { createMemoryTaskStore } from "../../../support/memory/memory-task-store.ts";
import { createMemoryUnitOfWork } from "../../../support/memory/memory-unit-of-work.ts";
import type { LockConflict } from "../../../../src/core/locks/lock-store.ts";
import { ANONYMOUS } from "../../../../src/core/access/viewer.ts";
import { conflictRefusal } from "../../../../src/core/refusals/conflict-refusal.ts";
import { NO_COUNTS } from "../../../../src/core/tasks/progress.ts";
import type { NewTask } from "../../../../src/core/tasks/new-tasks.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";
import { sampleTask } from "../../../contract/sample-task.ts";

const tasks = createMemoryTaskStore();
const unitOfWork = createMemoryUnitOfWork({ logger: createSilentLogger() });

async function createTask(parts: Partial<NewTask> = {}): Promise<string> {
  const task = sampleTask({ total: 100, ...parts });
  await unitOfWork.run((transaction) => tasks.create(transaction, task));
  return task.id;
}

async function messageOf(
  conflicts: readonly LockConflict[],
  totalConflicts = conflicts.length,
): Promise<string> {
  return (await conflictRefusal(tasks, { kind: "CONFLICT", conflicts, totalConflicts })).message;
}

test("names the record, and the holder with its viewer and progress", async () => {
  const owner = await createTask();
  expect(await messageOf([{ model: "City", id: "7", owner }])).toBe(
    `City 7 is held by task ${owner} (bulkUpdate, launched by ann, 0 % done). Try again when it has settled.`,
  );
});

test("counts the other conflicts, and names a whole model", async () => {
  const owner = await createTask({ viewer: ANONYMOUS, total: null });
  expect(await messageOf([{ model: "City", id: "7", owner }], 3)).toBe(
    `City 7 and 2 more are held by task ${owner} (bulkUpdate). Try again when it has settled.`,
  );
  expect(await messageOf([{ model: "City", id: null, owner }])).toBe(
    `All of City are held by task ${owner} (bulkUpdate). Try again when it has settled.`,
  );
});

test("says that a task in line waits for the record", async () => {
  const owner = await createTask();
  await unitOfWork.run((transaction) => tasks.startWaiting(transaction, owner, "another"));
  expect(await messageOf([{ model: "City", id: "7", owner }])).toBe(
    `City 7 is waited for by task ${owner} (bulkUpdate, launched by ann). Try again when it has settled.`,
  );
});

test("says that a holder has settled meanwhile, and leaves out a missing one", async () => {
  const owner = await createTask({ total: null });
  const settlement = { status: "FAILED", message: null, result: null, counts: NO_COUNTS } as const;
  await unitOfWork.run((transaction) =>
    tasks.settle(transaction, owner, 0, { ...settlement, finishedAt: new Date() }),
  );
  expect(await messageOf([{ model: "City", id: "7", owner }])).toMatch(
    /^City 7 was held by task .*, which has settled by now\. Try again\.$/,
  );
  expect(await messageOf([{ model: "City", id: "7", owner: sampleTask().id }])).toBe(
    "The records are held by another task. Try again when it has settled.",
  );
});

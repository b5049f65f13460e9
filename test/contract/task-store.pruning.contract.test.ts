import { describe, expect, it } from "vitest";
import { plainBatch } from "../../src/core/tasks/record-batch.ts";
import { NO_COUNTS, progressOf } from "../../src/core/tasks/progress.ts";
import type { NewTask } from "../../src/core/tasks/new-tasks.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { countsOf, taskVerbs } from "./task-verbs.ts";

// Each test uses its own year and prunes up to that year's end, so that it sees no other test's tasks.
const inYear = (year: number, second: number): Date => new Date(Date.UTC(year, 0, 1, 0, 0, second));

describeWorlds("task store, pruning", (world) => {
  const { created, begin, finishChunk, settle, markCleaned, found, create } = taskVerbs(world);

  /** Settled and cleaned. */
  const ended = async (finishedAt: Date, parts: Partial<NewTask> = {}): Promise<NewTask> => {
    const task = await created({ createdAt: new Date(finishedAt.getTime() - 1000), ...parts });
    await settle(task, 0, { status: "CANCELLED", finishedAt });
    await markCleaned(task);
    return task;
  };
  const append = (taskId: string): Promise<void> =>
    world().unitOfWork.run((transaction) =>
      world().log.append(transaction, {
        taskId,
        type: "CLEANUP",
        at: new Date(),
        progress: progressOf(1, NO_COUNTS),
        message: null,
      }),
    );

  it("deletes settled, cleaned, old tasks in batches, oldest first", async () => {
    const tasks: NewTask[] = [];
    for (const second of [30, 10, 20, 40]) {
      tasks.push(await ended(inYear(1980, second)));
    }
    const [thirty, ten, twenty, forty] = tasks.map(({ id }) => id);
    expect(await world().tasks.prune(inYear(1980, 40), 2)).toEqual([ten, twenty]);
    expect(await world().tasks.prune(inYear(1980, 40), 2)).toEqual([thirty]);
    expect(await world().tasks.prune(inYear(1980, 40), 2)).toEqual([]);
    expect([...(await world().tasks.find(tasks.map(({ id }) => id))).keys()]).toEqual([forty]);
    expect(await world().tasks.prune(inYear(1980, 59), 2)).toEqual([forty]);
  });

  it("never touches a task that is not settled, or not cleaned", async () => {
    const pending = await created({ createdAt: inYear(1981, 1) });
    const running = await created({ createdAt: inYear(1981, 2) });
    await begin(running);
    const uncleaned = await created({ createdAt: inYear(1981, 3) });
    await settle(uncleaned, 0, { status: "CANCELLED", finishedAt: inYear(1981, 4) });
    expect(await world().tasks.prune(inYear(1981, 59), 10)).toEqual([]);
    for (const task of [pending, running, uncleaned]) {
      expect(await found(task)).toBeDefined();
    }
    await markCleaned(uncleaned);
    expect(await world().tasks.prune(inYear(1981, 59), 10)).toEqual([uncleaned.id]);
  });

  it("keeps a task with an unsettled retry for later", async () => {
    const first = await ended(inYear(1985, 1));
    const retry = await created({ createdAt: inYear(1985, 2), retryOf: first.id });
    expect(await world().tasks.prune(inYear(1985, 59), 10)).toEqual([]);
    await settle(retry, 0, { status: "CANCELLED", finishedAt: inYear(1986, 1) });
    expect(await world().tasks.prune(inYear(1985, 59), 10)).toEqual([first.id]);
    expect(await found(retry)).toMatchObject({ retryOf: null });
    await markCleaned(retry);
    expect(await world().tasks.prune(inYear(1986, 59), 10)).toEqual([retry.id]);
  });

  it("deletes records, errors and the idempotency key, too", async () => {
    const createdAt = inYear(1982, 1);
    const task = await created({
      createdAt,
      idempotencyKey: "once",
      total: 2,
      chunks: [["1"], ["2"]].map(plainBatch),
    });
    await begin(task);
    await finishChunk(task, 1, countsOf(1));
    await world().tasks.requestCancel({ taskId: task.id, at: createdAt, by: "ann" });
    const errors = [
      { recordId: "2", outcome: "FAILED", code: "CONSTRAINT_VIOLATED", message: "Taken." } as const,
    ];
    await settle(task, 1, { status: "PARTIAL", finishedAt: inYear(1982, 2), errors });
    await markCleaned(task);
    expect(await create({ ...task, id: (await created()).id, chunks: [] })).toMatchObject({
      kind: "EXISTING",
    });
    expect(await world().tasks.prune(inYear(1982, 59), 10)).toEqual([task.id]);
    expect(await found(task)).toBeUndefined();
    expect(await world().tasks.recordPages([task.id], { limit: 10 })).toEqual(new Map());
    expect(await world().tasks.errors(task.id, 0, 10)).toEqual([]);
    expect(await world().tasks.findByIdempotencyKey({ id: "ann" }, "once")).toBeUndefined();
    expect(await create(task)).toEqual({ kind: "CREATED" });
  });

  describe("the log", () => {
    it("keeps its head, so that no cursor is beyond it", async () => {
      const task = await ended(inYear(1983, 1));
      const other = await created();
      await append(other.id);
      await append(task.id);
      const head = await world().log.head();
      const before = head - 1;
      expect((await world().log.replay({ after: before, limit: 10 })).map(({ taskId }) => taskId)).toEqual([
        task.id,
      ]);
      expect(await world().tasks.prune(inYear(1983, 59), 10)).toEqual([task.id]);
      expect(await world().log.head()).toBe(head);
      await append(other.id);
      expect(await world().log.replay({ after: head, limit: 10 })).toMatchObject([
        { taskId: other.id, position: head + 1 },
      ]);
    });
  });

  it("is done by only one of several calls at once, and reports no task twice", async () => {
    const tasks = await Promise.all(Array.from({ length: 30 }, () => ended(inYear(1984, 1))));
    const pruned = await Promise.all(
      Array.from({ length: 6 }, () => world().tasks.prune(inYear(1984, 59), 100)),
    );
    expect(pruned.flat().toSorted()).toEqual(tasks.map(({ id }) => id).toSorted());
  });
});

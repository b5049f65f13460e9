import { expect, it } from "vitest";
import type { NewLifecycleEvent } from "../../src/core/events/event-log.ts";
import type { LifecycleEvent, LifecycleEventType } from "../../src/core/events/task-event.ts";
import { NO_COUNTS, progressOf } from "../../src/core/tasks/progress.ts";
import type { Transaction } from "../../src/core/transactions/transaction.ts";
import { openTransaction } from "./open-transaction.ts";
import { sampleTask } from "./sample-task.ts";
import { describeWorlds } from "./describe-worlds.ts";

const AT = new Date("2026-02-03T04:05:06.789Z");

function newEvent(
  taskId: string,
  type: LifecycleEventType,
  message: string | null = null,
): NewLifecycleEvent {
  return { taskId, type, at: AT, progress: progressOf(10, NO_COUNTS, { message: "half way" }), message };
}

describeWorlds("event log", (world) => {
  const createTask = async (transaction: Transaction): Promise<string> => {
    const task = sampleTask();
    await world().tasks.create(transaction, task);
    return task.id;
  };
  const append = (transaction: Transaction, ...events: NewLifecycleEvent[]): Promise<void> =>
    events.reduce(
      (before, event) => before.then(() => world().log.append(transaction, event)),
      Promise.resolve(),
    );
  const record = (...types: LifecycleEventType[]): Promise<string> =>
    world().unitOfWork.run(async (transaction) => {
      const id = await createTask(transaction);
      await append(transaction, ...types.map((type) => newEvent(id, type)));
      return id;
    });
  const replayOf = (...taskIds: string[]): Promise<readonly LifecycleEvent[]> =>
    world().log.replay({ after: 0, taskIds, limit: 100 });

  it("stores every part of an event, and numbers it", async () => {
    const before = await world().log.head();
    const id = await world().unitOfWork.run(async (transaction) => {
      const taskId = await createTask(transaction);
      await append(transaction, newEvent(taskId, "CREATE", "said"));
      return taskId;
    });
    const [event] = await replayOf(id);
    expect(event).toEqual({ ...newEvent(id, "CREATE", "said"), sequence: 1, position: expect.any(Number) });
    expect(event?.position).toBeGreaterThan(before);
    expect(await world().log.head()).toBe(event?.position);
  });

  it("numbers a task's events from 1 without gaps, even when some are rolled back", async () => {
    const id = await record("CREATE");
    const open = await openTransaction(world().unitOfWork);
    await append(open.transaction, newEvent(id, "START"));
    await open.rollBack();
    await world().unitOfWork.run((transaction) =>
      append(transaction, newEvent(id, "START"), newEvent(id, "COMPLETE")),
    );
    await world().unitOfWork.run((transaction) => append(transaction, newEvent(id, "CLEANUP")));
    const events = await replayOf(id);
    expect(events.map(({ type }) => type)).toEqual(["CREATE", "START", "COMPLETE", "CLEANUP"]);
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  });

  it("replays after a position, in order, for all tasks or a list, up to a limit", async () => {
    const start = await world().log.head();
    const first = await record("CREATE", "START");
    const second = await record("CREATE");
    await world().unitOfWork.run((transaction) => append(transaction, newEvent(first, "COMPLETE")));
    const all = await world().log.replay({ after: start, limit: 100 });
    expect(all.map(({ taskId, sequence }) => [taskId, sequence])).toEqual([
      [first, 1],
      [first, 2],
      [second, 1],
      [first, 3],
    ]);
    const positions = all.map(({ position }) => position);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(await world().log.replay({ after: start, limit: 2 })).toEqual(all.slice(0, 2));
    expect(await world().log.replay({ after: positions[1] ?? 0, limit: 100 })).toEqual(all.slice(2));
    expect(await world().log.replay({ after: start, taskIds: [second], limit: 100 })).toEqual([all[2]]);
    expect(await world().log.replay({ after: start, taskIds: [], limit: 100 })).toEqual([]);
    expect(await world().log.replay({ after: start, taskIds: ["no such task"], limit: 100 })).toEqual([]);
    expect(await world().log.replay({ after: positions[3] ?? 0, limit: 100 })).toEqual([]);
  });

  it("leaves no trace of a rolled-back event", async () => {
    const head = await world().log.head();
    const open = await openTransaction(world().unitOfWork);
    const id = await createTask(open.transaction);
    await append(open.transaction, newEvent(id, "CREATE"));
    expect(await world().log.replay({ after: head, limit: 100 })).toEqual([]);
    await open.rollBack();
    expect(await world().log.replay({ after: head, limit: 100 })).toEqual([]);
    expect(await world().log.head()).toBe(head);
  });

  it("never lets a reader pass an event whose transaction commits late", async () => {
    const start = await world().log.head();
    const slow = await openTransaction(world().unitOfWork);
    const slowId = await createTask(slow.transaction);
    await append(slow.transaction, newEvent(slowId, "CREATE"));
    const fastId = await record("CREATE");
    const seen = await world().log.replay({ after: start, limit: 100 });
    expect(seen.map(({ taskId }) => taskId)).toEqual([fastId]);
    const cursor = await world().log.head();
    expect(cursor).toBe(seen[0]?.position);
    await slow.commit();
    const later = await world().log.replay({ after: cursor, limit: 100 });
    expect(later.map(({ taskId }) => taskId)).toEqual([slowId]);
  });

  it("shows every event to a reader while many writers append", async () => {
    let cursor = await world().log.head();
    const seen: string[] = [];
    let isWriting = true;
    let written: readonly string[] = [];
    const read = async (): Promise<void> => {
      const events = await world().log.replay({ after: cursor, limit: 7 });
      seen.push(...events.map(({ taskId }) => taskId));
      cursor = events.at(-1)?.position ?? cursor;
      // An event is shown once no older transaction is open, also of another database.
      if (isWriting || events.length > 0 || seen.length < written.length) {
        await read();
      }
    };
    const reading = read();
    const writers = Array.from({ length: 8 }, async () => {
      const ids: string[] = [];
      for (let round = 0; round < 15; round += 1) {
        ids.push(await record("CREATE"));
      }
      return ids;
    });
    written = (await Promise.all(writers)).flat();
    isWriting = false;
    await reading;
    expect(seen.toSorted()).toEqual(written.toSorted());
  });
});

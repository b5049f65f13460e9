import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeCursor, decodeCursor } from "../../../src/core/events/event-cursor.ts";
import { createTaskFeed } from "../../../src/core/events/task-feed.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { PATIENT } from "../../support/sweep-options.ts";

const DAY_MS = 86_400_000;
const MONTH = { ...PATIENT, retentionMs: 30 * DAY_MS };
const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;

let engine: EngineFixture;
/** Whether enqueued tasks reach a worker. */
let queueMood: "WORKS" | "WAITS" = "WORKS";

beforeAll(async () => {
  engine = await createEngineFixture({
    chunkRecords: 2,
    queue: (real) => ({
      ...real,
      enqueue: (tasks) => (queueMood === "WORKS" ? real.enqueue(tasks) : Promise.resolve()),
    }),
  });
  await insertThings(engine.session, 50);
});
afterAll(() => engine.stop());

const launch = (first: number): Promise<Task> =>
  engine.launched({
    operation: "UPDATE",
    change: { count: { increment: 1 } },
    selection: { ids: [first, first + 1, first + 2, 900].map(String) },
    options: SKIP_FAILED,
  });

/** Waits until the task is settled and cleaned. */
async function ended(taskId: string): Promise<void> {
  const events = engine.feed.subscribe({ filter: { taskIds: [taskId] }, after: 0 });
  const cleanup = async (): Promise<void> => {
    for await (const { event } of events) {
      if (event.type === "CLEANUP") {
        return;
      }
    }
  };
  await withDeadline(cleanup(), 20_000, "CLEANUP");
}

async function endedTask(first: number): Promise<string> {
  const { id } = await launch(first);
  await ended(id);
  return id;
}

async function age(taskId: string, days: number): Promise<void> {
  await engine.session.query(
    "UPDATE powercrud.task SET finished_at = finished_at - make_interval(days => $2) WHERE id = $1",
    [taskId, days],
  );
}

/** The number of the task's rows in each of the engine's tables. */
async function rowsOf(taskId: string): Promise<Record<string, number>> {
  const [row] = await engine.session.query<{ rows: Record<string, number> }>(
    `SELECT json_build_object(
       'chunk', (SELECT count(*) FROM powercrud.chunk WHERE task_id = $1),
       'error', (SELECT count(*) FROM powercrud.task_error WHERE task_id = $1),
       'attempt', (SELECT count(*) FROM powercrud.attempt WHERE task_id = $1),
       'event', (SELECT count(*) FROM powercrud.event WHERE task_id = $1)) AS rows`,
    [taskId],
  );
  return row?.rows ?? {};
}

it("deletes old tasks with all their rows, but no recent or unsettled task", async () => {
  const old = await endedTask(1);
  const young = await endedTask(4);
  const release = await holdRecord(engine, 7);
  const { id: running } = await launch(7);
  await age(old, 31);
  await age(young, 29);
  expect(await rowsOf(old)).toEqual({ chunk: 2, error: 1, attempt: 1, event: 4 });

  expect((await sweep(engine.ports, PATIENT)).pruned).toEqual([]);
  expect((await sweep(engine.ports, MONTH)).pruned).toEqual([old]);
  expect((await sweep(engine.ports, MONTH)).pruned).toEqual([]);

  expect(await rowsOf(old)).toEqual({ chunk: 0, error: 0, attempt: 0, event: 0 });
  expect([...(await engine.ports.tasks.find([old, young, running])).keys()].toSorted()).toEqual(
    [young, running].toSorted(),
  );
  await release();
  await ended(running);
});

it("deletes a retried task once its retry is settled, and keeps the retry", async () => {
  const first = await endedTask(10);
  await age(first, 31);
  const retryOf = async (id: string): Promise<unknown> => {
    const text = "SELECT retry_of::text FROM powercrud.task WHERE id = $1";
    return (await engine.session.query<{ retry_of: string | null }>(text, [id]))[0]?.retry_of;
  };
  // It must not begin before it is marked: a chunk that is being written would keep its row.
  queueMood = "WAITS";
  const { id: retry } = await launch(10);
  await engine.session.query("UPDATE powercrud.task SET retry_of = $1 WHERE id = $2", [first, retry]);
  expect((await sweep(engine.ports, MONTH)).pruned).toEqual([]);
  expect(await retryOf(retry)).toBe(first);
  queueMood = "WORKS";
  await engine.ports.queue.enqueue([{ id: retry, attempt: 0 }]);
  await ended(retry);
  expect((await sweep(engine.ports, MONTH)).pruned).toEqual([first]);
  expect(await retryOf(retry)).toBeNull();
});

it("keeps every cursor valid, even when all events are deleted", async () => {
  const kept = await endedTask(20);
  const old = await endedTask(23);
  const cursor = encodeCursor(await engine.ports.log.head());
  for (const { id } of await engine.ports.tasks.list({ limit: 1000 })) {
    await age(id, id === kept ? 1 : 31);
  }
  expect((await sweep(engine.ports, MONTH)).pruned).toContain(old);
  const fromStart = engine.feed.subscribe({ after: 0 });
  const first = await fromStart.next();
  expect(first.value).toMatchObject({ event: { type: "CREATE", taskId: kept } });
  await fromStart.return?.();

  await age(kept, 31);
  expect((await sweep(engine.ports, MONTH)).pruned).toEqual([kept]);
  expect(await engine.ports.log.replay({ after: 0, limit: 10 })).toEqual([]);
  // A feed that starts now has seen no earlier event.
  const feed = createTaskFeed(engine.ports);
  await feed.start();
  try {
    const events = feed.subscribe({ after: decodeCursor(cursor) });
    const next = events.next();
    const { id } = await launch(30);
    expect((await withDeadline(next, 20_000, "CREATE")).value).toMatchObject({
      event: { type: "CREATE", taskId: id },
    });
    await events.return?.();
    await ended(id);
  } finally {
    await feed.stop();
  }
});

it("ends a batch with the task that reaches its limit of records", async () => {
  const tasks = [await endedTask(40), await endedTask(40), await endedTask(40)];
  for (const [at, id] of tasks.entries()) {
    await age(id, 40 - at);
  }
  await engine.session.query("UPDATE powercrud.task SET total = 150000 WHERE id = ANY ($1::uuid[])", [tasks]);
  expect((await sweep(engine.ports, MONTH)).pruned).toEqual(tasks.slice(0, 2));
  expect((await sweep(engine.ports, MONTH)).pruned).toEqual(tasks.slice(2));
});

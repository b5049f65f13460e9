import { describe, expect, it } from "vitest";
import type { NewLifecycleEvent } from "../../src/core/events/event-log.ts";
import type { LifecycleEventType } from "../../src/core/events/task-event.ts";
import type { Claim } from "../../src/core/locks/claim.ts";
import { plainBatch } from "../../src/core/tasks/record-batch.ts";
import { NO_COUNTS, progressOf } from "../../src/core/tasks/progress.ts";
import type { NewTask } from "../../src/core/tasks/new-tasks.ts";
import type { Settlement } from "../../src/core/tasks/task-attempts.ts";
import { describeLocks } from "./describe-worlds.ts";
import { openTransaction } from "./open-transaction.ts";
import { after, sampleTask } from "./sample-task.ts";
import { countsOf, settlementOf, taskVerbs } from "./task-verbs.ts";

const PROGRESS = progressOf(7, NO_COUNTS);

function eventOf(task: NewTask, type: LifecycleEventType, parts: Partial<NewLifecycleEvent> = {}) {
  return { taskId: task.id, type, at: task.createdAt, progress: PROGRESS, message: null, ...parts };
}

describeLocks("quick steps", (world) => {
  const { create, created, begin, settle, markCleaned, found } = taskVerbs(world);
  const append = (event: NewLifecycleEvent): Promise<void> =>
    world().unitOfWork.run((transaction) => world().log.append(transaction, event));
  const launch = (task: NewTask, claims: readonly Claim[] = []): Promise<true | undefined> =>
    world().steps.launch(task, eventOf(task, "CREATE", { message: task.label }), claims);
  const beginQuickly = (task: NewTask, kinds: readonly string[] = [task.kind]) =>
    world().steps.begin({ taskId: task.id, workerId: "worker", at: after(task, 1_000), kinds });
  const settleQuickly = (task: NewTask, attempt = 1, parts: Partial<Settlement> = {}) => {
    const settlement = settlementOf(task, parts);
    const event = eventOf(task, "COMPLETE", { at: settlement.finishedAt, message: settlement.message });
    return world().steps.settle({ taskId: task.id, attempt, settlement, event });
  };
  /** A new task that was launched in a quick step. */
  const launched = async (parts: Partial<NewTask> = {}): Promise<NewTask> => {
    const task = sampleTask({ total: 7, ...parts });
    expect(await launch(task)).toBe(true);
    return task;
  };
  const running = async (parts: Partial<NewTask> = {}): Promise<NewTask> => {
    const task = await created(parts);
    await append(eventOf(task, "CREATE"));
    await begin(task);
    return task;
  };
  /** All that is stored of a task, without what differs from task to task. */
  const stored = async ({ id }: NewTask): Promise<unknown> => {
    const { rows } = await world().pool.query<{ stored: unknown }>(
      `SELECT jsonb_build_object(
         'task', to_jsonb(t) - 'id' - 'cleaned_at' || jsonb_build_object('is_cleaned', t.cleaned_at IS NOT NULL),
         'attempts', (SELECT jsonb_agg(to_jsonb(a) - 'task_id' ORDER BY number) FROM powercrud.attempt a WHERE task_id = $1),
         'chunks', (SELECT jsonb_agg(to_jsonb(c) - 'task_id' ORDER BY number) FROM powercrud.chunk c WHERE task_id = $1),
         'locks', (SELECT jsonb_agg(to_jsonb(l) - 'owner' - 'id' ORDER BY id) FROM powercrud.lock l WHERE owner = $1),
         'events', (SELECT jsonb_agg(to_jsonb(e) - 'id' - 'task_id' - 'position' ORDER BY position)
                    FROM powercrud.event e WHERE task_id = $1)
       ) AS stored FROM powercrud.task t WHERE id = $1`,
      [id],
    );
    return rows[0]?.stored;
  };

  it("write what the ordinary way writes", async () => {
    const parts: Partial<NewTask> = {
      kind: "report",
      model: null,
      label: "monthly",
      viewer: { id: "ann" },
      input: { nested: [1, null, "ü"], text: '"' },
      createdAt: new Date("2026-02-03T04:05:06.789Z"),
      total: 7,
      schedule: "nightly",
    };
    const [quick, ordinary] = [sampleTask(parts), sampleTask(parts)];
    await launch(quick);
    await create(ordinary);
    await append(eventOf(ordinary, "CREATE", { message: "monthly" }));
    expect(await stored(quick)).toEqual(await stored(ordinary));

    const attempts = [await beginQuickly(quick), await begin(ordinary)];
    await append(eventOf(ordinary, "START", { at: after(ordinary, 1_000) }));
    expect(await stored(quick)).toEqual(await stored(ordinary));
    expect({ ...attempts[0]?.task, id: ordinary.id }).toEqual(attempts[1]?.task);
    expect(attempts[0]?.number).toBe(1);

    const end = { message: "done", result: { rows: [1] }, counts: countsOf(5, 0, 1), total: 9 } as const;
    expect(await settleQuickly(quick, 1, end)).toEqual({ hadLocks: false });
    await settle(ordinary, 1, end);
    const at = settlementOf(ordinary).finishedAt;
    await append(eventOf(ordinary, "COMPLETE", { at, message: "done" }));
    await markCleaned(ordinary);
    await append(eventOf(ordinary, "CLEANUP", { at }));
    expect(await stored(quick)).toEqual(await stored(ordinary));
  });

  it("launch and begin in one step what the ordinary way does in two", async () => {
    const parts = { chunks: [plainBatch(["a"])], total: 7, label: "at once", createdAt: new Date(1e12) };
    const [quick, ordinary] = [sampleTask(parts), sampleTask(parts)];
    const event = eventOf(quick, "CREATE", { message: quick.label });
    expect(await world().steps.launch(quick, event, [], "worker")).toBe(true);
    await create(ordinary);
    await append(eventOf(ordinary, "CREATE", { message: ordinary.label }));
    await world().unitOfWork.run((transaction) =>
      world().tasks.beginAttempt(transaction, {
        taskId: ordinary.id,
        expectedAttempt: 0,
        workerId: "worker",
        at: ordinary.createdAt,
      }),
    );
    await append(eventOf(ordinary, "START"));
    expect(await stored(quick)).toEqual(await stored(ordinary));
  });

  it("write chunks and locks as the ordinary way does", async () => {
    const chunks = [plainBatch(["ü", "", "a"]), plainBatch(["b"])];
    const ids = chunks.flatMap((chunk) => chunk.ids);
    const claims: Claim[] = [
      { model: "Chunked", ids },
      { model: "Other", ids: "all", scope: "north" },
    ];
    const parts = { chunks, claims, createdAt: new Date(1e12), total: 4 };
    const [quick, ordinary] = [sampleTask(parts), sampleTask(parts)];
    expect(await launch(quick, claims)).toBe(true);
    const written = await stored(quick);
    expect(await world().locks.heldBy(quick.id)).toHaveLength(2);
    await world().unitOfWork.run((transaction) => world().locks.release(transaction, quick.id));
    await create(ordinary);
    await world().unitOfWork.run((transaction) => world().locks.acquire(transaction, ordinary.id, claims));
    await append(eventOf(ordinary, "CREATE"));
    expect(written).toEqual(await stored(ordinary));
  });

  it("number the events of many tasks without gaps, each task's in order", async () => {
    const tasks = Array.from({ length: 150 }, () => sampleTask());
    const before = await world().log.head();
    await Promise.all(
      tasks.map(async (task) => {
        await launch(task);
        await beginQuickly(task);
        await settleQuickly(task);
      }),
    );
    const events = await world().log.replay({ after: before, limit: 1_000 });
    expect(events.map(({ position }) => position)).toEqual(events.map((_, at) => before + 1 + at));
    for (const { id } of tasks) {
      const own = events.filter(({ taskId }) => taskId === id);
      expect(own.map(({ type, sequence }) => `${sequence} ${type}`)).toEqual([
        "1 CREATE",
        "2 START",
        "3 COMPLETE",
        "4 CLEANUP",
      ]);
    }
  });

  describe("launch", () => {
    it.each(["idempotencyKey", "duplicateKey"] as const)(
      "writes nothing where the %s is taken",
      async (key) => {
        const taken = { [key]: `taken ${key}` };
        await launched(taken);
        const second = sampleTask(taken);
        expect(await launch(second)).toBeUndefined();
        expect(await found(second)).toBeUndefined();
        // The key of another creator is another key.
        await launched({ ...taken, viewer: { id: "bob" } });
      },
    );

    it("writes one of several with the same key", async () => {
      const tasks = Array.from({ length: 20 }, () => sampleTask({ idempotencyKey: "one of 20" }));
      const written = await Promise.all(tasks.map((task) => launch(task)));
      expect(written.filter((one) => one === true)).toHaveLength(1);
    });

    it("leaves a key that another transaction is about to take to the ordinary way", async () => {
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.create(open.transaction, sampleTask({ duplicateKey: "pending" }));
      expect(await launch(sampleTask({ duplicateKey: "pending" }))).toBeUndefined();
      await open.commit();
    });

    it("writes none of a group with a value that cannot be stored", async () => {
      const tasks = [sampleTask(), sampleTask({ input: "\0" }), sampleTask()];
      // The first is a group of its own.
      expect(await Promise.all(tasks.map((task) => launch(task)))).toEqual([true, undefined, undefined]);
      expect(await found(tasks[2] as NewTask)).toBeUndefined();
    });
  });

  describe("launch with claims", () => {
    it("writes nothing where a record is held, also by a launch of the same moment", async () => {
      const claims = [{ model: "Book", ids: ["contested"] }];
      const tasks = Array.from({ length: 10 }, () => sampleTask({ claims }));
      const written = await Promise.all(tasks.map((task) => launch(task, claims)));
      expect(written.filter((one) => one === true)).toHaveLength(1);
      for (const [at, task] of tasks.entries()) {
        expect((await found(task))?.status).toBe(written[at] === true ? "PENDING" : undefined);
        expect(await world().locks.heldBy(task.id)).toHaveLength(written[at] === true ? 1 : 0);
      }
    });

    it("leaves a model that another transaction has entered to the ordinary way, and holds up no other launch", async () => {
      const open = await openTransaction(world().unitOfWork);
      await world().locks.enter(open.transaction, ["Entered"]);
      const claims = [{ model: "Entered", ids: ["1"] }];
      const claiming = launch(sampleTask({ claims }), claims);
      expect(await launch(sampleTask())).toBe(true);
      expect(await claiming).toBeUndefined();
      await open.commit();
    });
  });

  describe("begin", () => {
    it("is done by one of two deliveries", async () => {
      const task = await launched();
      const both = await Promise.all([beginQuickly(task), beginQuickly(task)]);
      expect(both.filter((attempt) => attempt !== undefined)).toHaveLength(1);
      expect(await found(task)).toMatchObject({ status: "RUNNING", attempt: 1 });
    });

    it.each<[string, string]>([
      [
        "has a limit of concurrency",
        "UPDATE powercrud.task SET concurrency_key = 'k', concurrency_max = 1 WHERE id = $1",
      ],
      [
        "is postponed",
        "UPDATE powercrud.task SET postponed_until = created_at + interval '1 day' WHERE id = $1",
      ],
      ["waits in line", "UPDATE powercrud.task SET status = 'WAITING' WHERE id = $1"],
      ["has had an attempt", "UPDATE powercrud.task SET attempt = 1 WHERE id = $1"],
      ["is to pause", "INSERT INTO powercrud.pause (task_id, requested_at) VALUES ($1, now())"],
      ["is to stop", "INSERT INTO powercrud.cancellation (task_id, requested_at) VALUES ($1, now())"],
    ])("leaves a task alone that %s", async (_what, change) => {
      const task = await launched();
      await world().pool.query(change, [task.id]);
      const before = await stored(task);
      expect(await beginQuickly(task)).toBeUndefined();
      expect(await stored(task)).toEqual(before);
    });

    it("leaves a task alone whose kind the worker does not know", async () => {
      const task = await launched();
      expect(await beginQuickly(task, ["another"])).toBeUndefined();
      expect(await found(task)).toMatchObject({ status: "PENDING", attempt: 0 });
    });

    it("does not wait for a task that another transaction changes", async () => {
      const task = await launched();
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.startWaiting(open.transaction, task.id, task.id);
      expect(await beginQuickly(task)).toBeUndefined();
      await open.rollBack();
      expect((await beginQuickly(task))?.number).toBe(1);
    });
  });

  describe("settle", () => {
    it("releases the task's locks, and says that it had some", async () => {
      const task = await running();
      const claims = [{ model: "Book", ids: [task.id] }];
      await world().unitOfWork.run((transaction) => world().locks.acquire(transaction, task.id, claims));
      expect(await settleQuickly(task)).toEqual({ hadLocks: true });
      expect(await world().locks.heldBy(task.id)).toEqual([]);
    });

    it("is done by one of two, and by the current attempt only", async () => {
      const task = await running();
      expect(await settleQuickly(task, 2)).toBeUndefined();
      const both = await Promise.all([settleQuickly(task), settleQuickly(task)]);
      expect(both.filter((one) => one !== undefined)).toHaveLength(1);
      expect(await found(task)).toMatchObject({ status: "SUCCEEDED", isCleaned: true });
    });

    it.each<[string, Partial<NewTask>]>([
      ["recipients", { notify: [{ channel: "IN_APP" }] }],
      ["a limit of concurrency", { concurrency: { key: "k", max: 1 } }],
    ])("leaves a task with %s alone", async (_what, parts) => {
      const task = await running(parts);
      const before = await stored(task);
      expect(await settleQuickly(task)).toBeUndefined();
      expect(await stored(task)).toEqual(before);
    });

    it("does not wait for a chunk that is being written", async () => {
      const task = await running();
      const open = await openTransaction(world().unitOfWork);
      await open.transaction.session?.query("SELECT FROM powercrud.task WHERE id = $1 FOR SHARE", [task.id]);
      expect(await settleQuickly(task)).toBeUndefined();
      await open.rollBack();
    });
  });
});

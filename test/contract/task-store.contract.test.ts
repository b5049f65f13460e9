import { describe, expect, it } from "vitest";
import { plainBatch } from "../../src/core/tasks/record-batch.ts";
import { NO_COUNTS, progressOf } from "../../src/core/tasks/progress.ts";
import type { StrandedTask } from "../../src/core/tasks/stranded-tasks.ts";
import type { TaskFilter, TaskQuery } from "../../src/core/tasks/task-reads.ts";
import type { NewTask } from "../../src/core/tasks/new-tasks.ts";
import type { TaskScope } from "../../src/core/tasks/task-sight.ts";
import { isWithin } from "../../src/core/tasks/task-sight.ts";
import type { Task } from "../../src/core/tasks/task.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { openTransaction } from "./open-transaction.ts";
import { after, sampleTask } from "./sample-task.ts";
import { countsOf, settlementOf, taskVerbs } from "./task-verbs.ts";
import type { World } from "./world.ts";

const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

describeWorlds("task store", (world) => {
  const { create, created, begin, settle, markCleaned, found } = taskVerbs(world);

  describe("what a viewer sees", () => {
    const SCOPES: readonly TaskScope[] = [
      [],
      [{}],
      [{ createdBy: ["ann"] }],
      [{ createdBy: ["ann", "bob"], kinds: ["count"] }],
      [{ models: ["City"] }, { claims: { tenant: "b" } }],
      [{ claims: { tenant: "a", tags: ["x"] } }],
      [{ claims: { tenant: { id: "a" } } }],
      [{ createdBy: [] }],
    ];

    it("is listed, counted and followed as the scope says, whatever it says", async () => {
      const schedules = ["sight"];
      const common = { schedule: "sight" };
      const ann = { id: "ann", claims: { tenant: "a", tags: ["x", "y"] } };
      const first = await created({ ...common, viewer: ann });
      const others = [
        { viewer: { id: "bob", claims: { tenant: "b" } }, kind: "count", model: null },
        { viewer: { id: "ann" }, kind: "count", parent: first.id, retryOf: first.id },
        { viewer: { id: null }, model: null },
        { viewer: { id: "cid", claims: { tenant: { id: "a", since: 1 } } }, parent: first.id },
      ];
      for (const parts of others) {
        await created({ ...common, ...parts });
      }
      const store = world().tasks;
      const all = await store.list({ schedules, limit: 10 });
      expect(all).toHaveLength(5);
      const idsOf = (tasks: readonly Task[] = []): readonly string[] => tasks.map(({ id }) => id).toSorted();
      for (const seen of SCOPES) {
        const expected = all.filter((task) => isWithin(seen, task));
        expect(idsOf(await store.list({ schedules, seen, limit: 10 }))).toEqual(idsOf(expected));
        expect(await store.count({ schedules, seen })).toBe(expected.length);
        expect([...(await store.countByStatus({ schedules, seen, statuses: ["FAILED"] }))]).toEqual(
          expected.length === 0 ? [] : [["PENDING", expected.length]],
        );
        const own = await store.list({ schedules, seen, createdBy: "ann", limit: 10 });
        expect(idsOf(own)).toEqual(idsOf(expected.filter(({ viewer }) => viewer.id === "ann")));
        const children = (await store.children([first.id], seen)).get(first.id);
        expect(idsOf(children)).toEqual(idsOf(expected.filter(({ parent }) => parent === first.id)));
        const retries = (await store.retries([first.id], seen)).get(first.id);
        expect(idsOf(retries)).toEqual(idsOf(expected.filter(({ retryOf }) => retryOf === first.id)));
      }
      expect(SCOPES.map((seen) => all.filter((task) => isWithin(seen, task)).length)).toEqual([
        0, 5, 2, 2, 4, 1, 1, 0,
      ]);
    });
  });

  it("is listed and counted by when it was launched: from one moment on, before another", async () => {
    const schedules = ["times"];
    const days = [1, 2, 3].map((day) => new Date(Date.UTC(2026, 0, day)));
    for (const createdAt of days) {
      await created({ schedule: "times", createdAt });
    }
    const [first, second, third] = days as [Date, Date, Date];
    const store = world().tasks;
    const timesOf = async (filter: TaskFilter): Promise<readonly Date[]> => {
      const tasks = await store.list({ ...filter, schedules, limit: 10 });
      expect(await store.count({ ...filter, schedules })).toBe(tasks.length);
      return tasks
        .map(({ createdAt }) => createdAt)
        .toSorted((one, other) => one.getTime() - other.getTime());
    };
    expect(await timesOf({ createdAfter: second })).toEqual([second, third]);
    expect(await timesOf({ createdBefore: second })).toEqual([first]);
    expect(await timesOf({ createdAfter: second, createdBefore: third })).toEqual([second]);
  });

  describe("create and read", () => {
    it("stores viewer, input and time of a PENDING task", async () => {
      const task = await created({
        label: "Archive",
        viewer: { id: "bob", claims: { tenant: "t1", roles: ["admin"] } },
        total: 3,
        trace: TRACE,
        chunks: [plainBatch(["1", "2"]), plainBatch(["3"])],
        input: { text: 'odd " \\ \n 日本 😀', list: [null, 1.5, { a: [] }] },
      });
      expect(await found(task)).toEqual({
        trace: TRACE,
        handOvers: 0,
        id: task.id,
        kind: "bulkUpdate",
        model: "City",
        label: "Archive",
        status: "PENDING",
        errorPolicy: "SKIP_FAILED",
        isDryRun: false,
        onConflict: "REJECT",
        retryOf: null,
        parent: null,
        schedule: null,
        viewer: task.viewer,
        hasStatusPage: false,
        createdAt: task.createdAt,
        startedAt: null,
        finishedAt: null,
        attempt: 0,
        blockedBy: null,
        cancelRequestedAt: null,
        pauseRequestedAt: null,
        pauseRequestedBy: null,
        pausedAt: null,
        pauses: 0,
        postponedUntil: null,
        failures: 0,
        input: task.input,
        result: null,
        message: null,
        progress: progressOf(3, NO_COUNTS),
        isCleaned: false,
      } satisfies Task);
    });

    it.each([null, "text", 5, [1, [2]], {}])("keeps the input %j as it is", async (input) => {
      const task = await created({ input, model: null, viewer: { id: null } });
      expect(await found(task)).toMatchObject({ input, model: null, viewer: { id: null } });
    });

    it("leaves out unknown ids", async () => {
      const task = await created();
      const read = await world().tasks.find([sampleTask().id, "no uuid", task.id]);
      expect([...read.keys()]).toEqual([task.id]);
      expect(await world().tasks.find([])).toEqual(new Map());
    });

    it("leaves no trace of a rolled-back creation", async () => {
      const task = sampleTask({ idempotencyKey: "rolled back" });
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.create(open.transaction, task);
      expect(await found(task)).toBeUndefined();
      await open.rollBack();
      expect(await found(task)).toBeUndefined();
      expect(await create(sampleTask({ idempotencyKey: "rolled back" }))).toEqual({ kind: "CREATED" });
    });

    it("creates, begins and settles in one transaction", async () => {
      const task = sampleTask({ total: 1 });
      await world().unitOfWork.run(async (transaction) => {
        await world().tasks.create(transaction, task);
        const at = after(task, 10);
        await world().tasks.beginAttempt(transaction, {
          taskId: task.id,
          expectedAttempt: 0,
          workerId: "w",
          at,
        });
        expect(
          await world().tasks.settle(transaction, task.id, 1, settlementOf(task, { counts: countsOf(1) })),
        ).toEqual({ notified: [] });
      });
      expect(await found(task)).toMatchObject({ status: "SUCCEEDED", progress: { percent: 100 } });
    });
  });

  describe("idempotency keys", () => {
    it("answer the same viewer with the first task", async () => {
      const first = await created({ idempotencyKey: "k1", inputHash: "h1" });
      const existing = { id: first.id, inputHash: "h1" };
      const second = sampleTask({ idempotencyKey: "k1", inputHash: "h2" });
      expect(await create(second)).toEqual({ kind: "EXISTING", existing });
      expect(await found(second)).toBeUndefined();
      expect(await world().tasks.findByIdempotencyKey({ id: "ann" }, "k1")).toEqual(existing);
      expect(await world().tasks.findByIdempotencyKey({ id: "bob" }, "k1")).toBeUndefined();
      expect(await world().tasks.findByIdempotencyKey({ id: "ann" }, "k2")).toBeUndefined();
    });

    it("are separate for each viewer; anonymous viewers share theirs", async () => {
      const anonymous = await created({ idempotencyKey: "k3", viewer: { id: null } });
      expect(await create(sampleTask({ idempotencyKey: "k3" }))).toEqual({ kind: "CREATED" });
      expect(await create(sampleTask({ idempotencyKey: "k3", viewer: { id: null } }))).toMatchObject({
        kind: "EXISTING",
        existing: { id: anonymous.id },
      });
    });

    it("let only one of many launches with a key create its task", async () => {
      for (let round = 0; round < 5; round += 1) {
        const tasks = Array.from({ length: 10 }, () => sampleTask({ idempotencyKey: `together ${round}` }));
        const results = await Promise.all(tasks.map(create));
        const winners = tasks.filter((_, at) => results[at]?.kind === "CREATED");
        expect(winners).toHaveLength(1);
        const others = results.filter(({ kind }) => kind !== "CREATED");
        expect(others).toEqual(
          others.map(() => ({ kind: "EXISTING", existing: { id: winners[0]?.id, inputHash: "hash" } })),
        );
      }
    });

    it("wait for an open transaction with the same key, and are free once that is rolled back", async () => {
      const [first, second] = [
        sampleTask({ idempotencyKey: "open" }),
        sampleTask({ idempotencyKey: "open" }),
      ];
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.create(open.transaction, first);
      const waiting = create(second);
      await world().untilWaiting();
      await open.rollBack();
      expect(await waiting).toEqual({ kind: "CREATED" });
    });
  });

  describe("list and count", () => {
    it("pages newest first, filters, and counts all pages", async () => {
      const viewer = { id: "lister" };
      const tasks: NewTask[] = [];
      for (let at = 0; at < 6; at += 1) {
        tasks.push(
          await created({ viewer, kind: at % 2 === 0 ? "even" : "odd", model: at < 3 ? "City" : "Tag" }),
        );
      }
      const idsNewestFirst = tasks.map(({ id }) => id).toReversed();
      const createdBy = "lister";
      const list = async (
        query: Omit<Parameters<World["tasks"]["list"]>[0], "createdBy" | "limit">,
        limit = 10,
      ) => (await world().tasks.list({ createdBy, limit, ...query })).map(({ id }) => id);
      expect(await list({})).toEqual(idsNewestFirst);
      expect(await list({}, 2)).toEqual(idsNewestFirst.slice(0, 2));
      expect(await list({ after: idsNewestFirst[1] ?? "" }, 3)).toEqual(idsNewestFirst.slice(2, 5));
      expect(await list({ after: idsNewestFirst[5] ?? "" })).toEqual([]);
      expect(await list({ isBackward: true }, 2)).toEqual(idsNewestFirst.slice(4));
      const before = idsNewestFirst[4] ?? "";
      expect(await list({ before, isBackward: true }, 3)).toEqual(idsNewestFirst.slice(1, 4));
      expect(await list({ before, after: idsNewestFirst[1] ?? "" })).toEqual(idsNewestFirst.slice(2, 4));
      expect(await list({ kinds: ["odd"] })).toHaveLength(3);
      expect(await list({ kinds: ["odd"], models: ["Tag"] })).toHaveLength(2);
      expect(await list({ models: ["City", "Tag"] })).toHaveLength(6);
      expect(await list({ ids: [idsNewestFirst[3] ?? "", "no uuid"] })).toEqual([idsNewestFirst[3]]);
      expect(await list({ ids: [] })).toEqual([]);
      await begin(tasks[0] as NewTask);
      expect(await list({ statuses: ["RUNNING"] })).toEqual([tasks[0]?.id]);
      expect(await list({ statuses: ["PENDING", "RUNNING"] })).toHaveLength(6);
      expect(await world().tasks.count({ createdBy })).toBe(6);
      expect(await world().tasks.count({ createdBy, statuses: ["PENDING"], kinds: ["even"] })).toBe(2);
      expect(await world().tasks.count({ createdBy: "unknown" })).toBe(0);
    });

    it("are found by their parent, and by their schedule", async () => {
      const [parent, other] = [await created(), await created()];
      const child = await created({ parent: parent.id, schedule: "hourly" });
      const list = async (filter: TaskFilter) =>
        (await world().tasks.list({ ...filter, limit: 10 })).map(({ id }) => id);
      expect(await list({ parents: [parent.id, "no uuid"] })).toEqual([child.id]);
      expect(await list({ schedules: ["hourly", "weekly"] })).toEqual([child.id]);
      expect(await world().tasks.count({ parents: [other.id] })).toBe(0);
      expect(await world().tasks.count({ schedules: ["weekly"] })).toBe(0);
    });

    it("are found by a record: those that have it, left it out or claimed it, the newest first", async () => {
      const record = { model: "City", id: "of many" };
      const chunks = [
        ["a", "b"],
        ["c", record.id],
      ].map(plainBatch);
      const concerned = [
        await created({ model: "City", chunks }),
        await created({
          model: "City",
          skipped: [{ recordId: record.id, outcome: "SKIPPED", code: "RECORD_LOCKED", message: "Held." }],
        }),
        await created({ model: null, claims: [{ model: "City", ids: ["a", record.id] }] }),
      ].map(({ id }) => id);
      const tried = await created({ model: "City", chunks, isDryRun: true });
      await created({ model: "City", chunks: [["of", "many"]].map(plainBatch) });
      await created({ model: "Tag", chunks });
      await created({ model: null, claims: [{ model: "City", ids: "all" }] });
      await created({ model: null, claims: [{ model: "Tag", ids: [record.id] }] });
      const { tasks } = world();
      // Chunks and claims that other tests leave have no such record.
      const list = async (query: Omit<TaskQuery, "limit">, limit = 10) =>
        (await tasks.list({ record, limit, ...query })).map(({ id }) => id);
      const newestFirst = [...concerned, tried.id].toReversed();
      expect(await list({})).toEqual(newestFirst);
      expect(await list({ isDryRun: false })).toEqual(concerned.toReversed());
      expect(await list({ isDryRun: true })).toEqual([tried.id]);
      expect(await list({ after: tried.id }, 2)).toEqual(newestFirst.slice(1, 3));
      expect(await list({ isBackward: true }, 1)).toEqual([concerned[0]]);
      expect(await list({ seen: [] })).toEqual([]);
      expect(await tasks.count({ record, isDryRun: false })).toBe(3);
      expect(await tasks.countByStatus({ record })).toEqual(new Map([["PENDING", 4]]));
      const pageOf = async (id: string, recordId: string) =>
        (await tasks.recordPages([id], { recordId, limit: 1 })).get(id);
      expect(await pageOf(tried.id, record.id)).toEqual([
        { id: record.id, outcome: "UNPROCESSED", place: { chunk: 2, number: 2 } },
      ]);
      expect(await pageOf(concerned[1] ?? "", record.id)).toMatchObject([
        { id: record.id, outcome: "SKIPPED" },
      ]);
      expect(await pageOf(tried.id, "z")).toBeUndefined();
    });
  });

  describe("tasks for the sweeper", () => {
    // These tests use their own years, so that they see no other test's tasks.
    const plain = (tasks: readonly StrandedTask[]) => tasks.map(({ id, attempt }) => ({ id, attempt }));
    const inYear = (year: number, second: number): Date => new Date(Date.UTC(year, 0, 1, 0, 0, second));

    it("finds tasks that were never enqueued, oldest first", async () => {
      const tasks: NewTask[] = [];
      for (const second of [30, 10, 20, 40]) {
        tasks.push(await created({ createdAt: inYear(1990, second) }));
      }
      const [thirty, ten, twenty, forty] = tasks.map(({ id }) => ({ id, attempt: 0 }));
      expect(plain(await world().tasks.findUnenqueued(inYear(1990, 40), 10))).toEqual([ten, twenty, thirty]);
      expect(plain(await world().tasks.findUnenqueued(inYear(1990, 40), 2))).toEqual([ten, twenty]);
      await world().tasks.markEnqueued([ten?.id ?? "", sampleTask().id], inYear(1990, 50));
      await begin(tasks[2] as NewTask);
      expect(plain(await world().tasks.findUnenqueued(inYear(1990, 59), 10))).toEqual([thirty, forty]);
      await world().tasks.markEnqueued([], inYear(1990, 50));
    });

    it("finds running tasks that went silent, longest silent first", async () => {
      const tasks: NewTask[] = [];
      for (const second of [1, 2, 3]) {
        const task = await created({ createdAt: inYear(1980, second) });
        await begin(task, 0, inYear(1980, 10 + second));
        tasks.push(task);
      }
      const [first, second, third] = tasks.map(({ id }) => ({ id, attempt: 1 }));
      expect(plain(await world().tasks.findOrphans(inYear(1980, 13), 10))).toEqual([first, second]);
      expect(plain(await world().tasks.findOrphans(inYear(1980, 20), 1))).toEqual([first]);
      await world().tasks.heartbeat({ taskId: first?.id ?? "", attempt: 1, at: inYear(1980, 30) });
      expect(plain(await world().tasks.findOrphans(inYear(1980, 29), 10))).toEqual([second, third]);
      await begin(tasks[1] as NewTask, 1, inYear(1980, 40));
      await settle(tasks[2] as NewTask, 1);
      expect(plain(await world().tasks.findOrphans(inYear(1980, 59), 10))).toEqual([
        first,
        { id: second?.id, attempt: 2 },
      ]);
    });

    it("finds settled tasks that were not cleaned, oldest first", async () => {
      const tasks: NewTask[] = [];
      for (const second of [2, 1, 3]) {
        const task = await created({ createdAt: inYear(1970, second) });
        await settle(task, 0, { status: "CANCELLED", finishedAt: inYear(1970, 10 + second) });
        tasks.push(task);
      }
      const [two, one, three] = tasks.map(({ id }) => ({ id, attempt: 0 }));
      expect(plain(await world().tasks.findUncleaned(inYear(1970, 13), 10))).toEqual([one, two]);
      await markCleaned(tasks[1] as NewTask);
      expect(plain(await world().tasks.findUncleaned(inYear(1970, 20), 10))).toEqual([two, three]);
      expect(plain(await world().tasks.findUncleaned(inYear(1970, 20), 1))).toEqual([two]);
    });
  });
});

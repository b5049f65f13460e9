import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NO_COUNTS, progressOf } from "../../src/core/tasks/progress.ts";
import type { Counts, Progress } from "../../src/core/tasks/progress.ts";
import type { NewTaskError } from "../../src/core/tasks/task-error.ts";
import { isFinal, TASK_STATUSES, TRANSITIONS } from "../../src/core/tasks/task-status.ts";
import type { FinalStatus, TaskStatus } from "../../src/core/tasks/task-status.ts";
import type { Attempt, CreateResult, NewTask, Settlement } from "../../src/core/tasks/task-store.ts";
import type { Task } from "../../src/core/tasks/task.ts";
import { openTransaction } from "./open-transaction.ts";
import { after, sampleTask } from "./sample-task.ts";
import type { World } from "./world.ts";
import { WORLD_KINDS } from "./world-kinds.ts";

const FINAL_STATUSES = TASK_STATUSES.filter((status): status is FinalStatus => isFinal(status));

function settlementOf(task: NewTask, parts: Partial<Settlement> = {}): Settlement {
  return { status: "SUCCEEDED", message: null, result: null, finishedAt: after(task, 5_000), ...parts };
}

function countsOf(succeeded: number, failed = 0, skipped = 0): Counts {
  return { succeeded, failed, skipped };
}

for (const kind of WORLD_KINDS) {
  describe(`task store: ${kind.name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await kind.create();
    });
    afterAll(() => world.close());

    const create = (task: NewTask): Promise<CreateResult> =>
      world.unitOfWork.run((transaction) => world.tasks.create(transaction, task));
    const created = async (parts: Partial<NewTask> = {}): Promise<NewTask> => {
      const task = sampleTask(parts);
      expect(await create(task)).toEqual({ isCreated: true });
      return task;
    };
    const begin = (task: NewTask, expectedAttempt = 0, at = after(task, 1_000)): Promise<Attempt | undefined> =>
      world.unitOfWork.run((transaction) =>
        world.tasks.beginAttempt(transaction, { taskId: task.id, expectedAttempt, workerId: "worker", at }),
      );
    const settle = (task: NewTask, attempt: number, parts: Partial<Settlement> = {}): Promise<boolean> =>
      world.unitOfWork.run((transaction) =>
        world.tasks.settle(transaction, task.id, attempt, settlementOf(task, parts)),
      );
    const finishChunk = (task: NewTask, number: number, counts: Counts): Promise<void> =>
      world.unitOfWork.run((transaction) => world.finishChunk(transaction, task.id, number, counts));
    const markCleaned = (task: NewTask): Promise<boolean> =>
      world.unitOfWork.run((transaction) => world.tasks.markCleaned(transaction, task.id));
    const found = async (task: NewTask): Promise<Task | undefined> => (await world.tasks.find([task.id])).get(task.id);
    const beat = (task: NewTask, attempt: number, ms: number, progress?: Progress): Promise<{ isCurrent: boolean }> =>
      world.tasks.heartbeat({
        taskId: task.id,
        attempt,
        at: after(task, ms),
        ...(progress === undefined ? {} : { progress }),
      });

    describe("create and read", () => {
      it("keeps who, what and when, PENDING", async () => {
        const task = await created({
          label: "Archive",
          viewer: { id: "bob", claims: { tenant: "t1", roles: ["admin"] } },
          total: 3,
          chunks: [["1", "2"], ["3"]],
          input: { text: 'odd " \\ \n 日本 😀', list: [null, 1.5, { a: [] }] },
        });
        expect(await found(task)).toEqual({
          id: task.id,
          kind: "bulkUpdate",
          model: "City",
          label: "Archive",
          status: "PENDING",
          errorPolicy: "SKIP_FAILED",
          viewer: task.viewer,
          createdAt: task.createdAt,
          startedAt: null,
          finishedAt: null,
          attempt: 0,
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

      it("leaves out ids that are no task's", async () => {
        const task = await created();
        const read = await world.tasks.find([sampleTask().id, "no uuid", task.id]);
        expect([...read.keys()]).toEqual([task.id]);
        expect(await world.tasks.find([])).toEqual(new Map());
      });

      it("leaves no trace of a creation that is rolled back", async () => {
        const task = sampleTask({ idempotencyKey: "rolled back" });
        const open = await openTransaction(world.unitOfWork);
        await world.tasks.create(open.transaction, task);
        expect(await found(task)).toBeUndefined();
        await open.rollBack();
        expect(await found(task)).toBeUndefined();
        expect(await create(sampleTask({ idempotencyKey: "rolled back" }))).toEqual({ isCreated: true });
      });

      it("creates, begins and settles in one transaction", async () => {
        const task = sampleTask({ total: 1 });
        await world.unitOfWork.run(async (transaction) => {
          await world.tasks.create(transaction, task);
          const at = after(task, 10);
          await world.tasks.beginAttempt(transaction, { taskId: task.id, expectedAttempt: 0, workerId: "w", at });
          expect(
            await world.tasks.settle(transaction, task.id, 1, settlementOf(task, { counts: countsOf(1) })),
          ).toBe(true);
        });
        expect(await found(task)).toMatchObject({ status: "SUCCEEDED", progress: { percent: 100 } });
      });
    });

    describe("idempotency keys", () => {
      it("hands back the first task for the same viewer's key", async () => {
        const first = await created({ idempotencyKey: "k1", inputHash: "h1" });
        const existing = { id: first.id, inputHash: "h1" };
        const second = sampleTask({ idempotencyKey: "k1", inputHash: "h2" });
        expect(await create(second)).toEqual({ isCreated: false, existing });
        expect(await found(second)).toBeUndefined();
        expect(await world.tasks.findByIdempotencyKey({ id: "ann" }, "k1")).toEqual(existing);
        expect(await world.tasks.findByIdempotencyKey({ id: "bob" }, "k1")).toBeUndefined();
        expect(await world.tasks.findByIdempotencyKey({ id: "ann" }, "k2")).toBeUndefined();
      });

      it("keeps the keys of viewers apart; the anonymous share theirs", async () => {
        const nobody = await created({ idempotencyKey: "k3", viewer: { id: null } });
        expect(await create(sampleTask({ idempotencyKey: "k3" }))).toEqual({ isCreated: true });
        expect(await create(sampleTask({ idempotencyKey: "k3", viewer: { id: null } }))).toMatchObject({
          isCreated: false,
          existing: { id: nobody.id },
        });
      });

      it("creates one task of many launched together under a key", async () => {
        for (let round = 0; round < 5; round += 1) {
          const tasks = Array.from({ length: 10 }, () => sampleTask({ idempotencyKey: `together ${round}` }));
          const results = await Promise.all(tasks.map(create));
          const winners = tasks.filter((_, at) => results[at]?.isCreated);
          expect(winners).toHaveLength(1);
          const others = results.filter(({ isCreated }) => !isCreated);
          expect(others).toEqual(
            others.map(() => ({ isCreated: false, existing: { id: winners[0]?.id, inputHash: "hash" } })),
          );
        }
      });

      it("waits for an open transaction with the same key, and takes the key when that is rolled back", async () => {
        const [first, second] = [sampleTask({ idempotencyKey: "open" }), sampleTask({ idempotencyKey: "open" })];
        const open = await openTransaction(world.unitOfWork);
        await world.tasks.create(open.transaction, first);
        const waiting = create(second);
        await world.untilWaiting();
        await open.rollBack();
        expect(await waiting).toEqual({ isCreated: true });
      });
    });

    describe("list and count", () => {
      it("pages newest first, filters, and counts whatever the page", async () => {
        const viewer = { id: "lister" };
        const tasks: NewTask[] = [];
        for (let at = 0; at < 6; at += 1) {
          tasks.push(await created({ viewer, kind: at % 2 === 0 ? "even" : "odd", model: at < 3 ? "City" : "Tag" }));
        }
        const idsNewestFirst = tasks.map(({ id }) => id).toReversed();
        const createdBy = "lister";
        const list = async (query: Omit<Parameters<World["tasks"]["list"]>[0], "createdBy" | "limit">, limit = 10) =>
          (await world.tasks.list({ createdBy, limit, ...query })).map(({ id }) => id);
        expect(await list({})).toEqual(idsNewestFirst);
        expect(await list({}, 2)).toEqual(idsNewestFirst.slice(0, 2));
        expect(await list({ after: idsNewestFirst[1] ?? "" }, 3)).toEqual(idsNewestFirst.slice(2, 5));
        expect(await list({ after: idsNewestFirst[5] ?? "" })).toEqual([]);
        expect(await list({ kinds: ["odd"] })).toHaveLength(3);
        expect(await list({ kinds: ["odd"], models: ["Tag"] })).toHaveLength(2);
        expect(await list({ models: ["City", "Tag"] })).toHaveLength(6);
        expect(await list({ ids: [idsNewestFirst[3] ?? "", "no uuid"] })).toEqual([idsNewestFirst[3]]);
        expect(await list({ ids: [] })).toEqual([]);
        await begin(tasks[0] as NewTask);
        expect(await list({ statuses: ["RUNNING"] })).toEqual([tasks[0]?.id]);
        expect(await list({ statuses: ["PENDING", "RUNNING"] })).toHaveLength(6);
        expect(await world.tasks.count({ createdBy })).toBe(6);
        expect(await world.tasks.count({ createdBy, statuses: ["PENDING"], kinds: ["even"] })).toBe(2);
        expect(await world.tasks.count({ createdBy: "nobody" })).toBe(0);
      });
    });

    describe("attempts", () => {
      it("begins the next attempt, once", async () => {
        const task = await created();
        const attempt = await begin(task);
        expect(attempt).toMatchObject({
          number: 1,
          task: { id: task.id, status: "RUNNING", attempt: 1, startedAt: after(task, 1_000) },
        });
        expect(await begin(task)).toBeUndefined();
        expect(await found(task)).toEqual(attempt?.task);
      });

      it("begins one of many deliveries", async () => {
        const task = await created();
        const attempts = await Promise.all(Array.from({ length: 10 }, () => begin(task)));
        expect(attempts.filter((attempt) => attempt !== undefined)).toHaveLength(1);
      });

      it("begins again after an orphan, with what earlier attempts committed, and keeps the first start", async () => {
        const task = await created({ total: 3, chunks: [["1", "2"], ["3"]] });
        await begin(task);
        await finishChunk(task, 1, countsOf(1, 1));
        await beat(task, 1, 2_000, progressOf(3, countsOf(3)));
        const second = await begin(task, 1, after(task, 60_000));
        expect(second).toMatchObject({
          number: 2,
          task: { attempt: 2, startedAt: after(task, 1_000), progress: progressOf(3, countsOf(1, 1)) },
        });
      });

      it("does not begin an unknown task, a settled one, or one in another attempt", async () => {
        expect(await begin(sampleTask())).toBeUndefined();
        const task = await created();
        expect(await begin(task, 1)).toBeUndefined();
        await begin(task);
        await settle(task, 1);
        expect(await begin(task, 1)).toBeUndefined();
      });

      it("leaves no trace of a beginning that is rolled back", async () => {
        const task = await created();
        const open = await openTransaction(world.unitOfWork);
        await world.tasks.beginAttempt(open.transaction, {
          taskId: task.id,
          expectedAttempt: 0,
          workerId: "w",
          at: after(task, 1),
        });
        await open.rollBack();
        expect(await found(task)).toMatchObject({ status: "PENDING", attempt: 0 });
        expect(await begin(task)).toMatchObject({ number: 1 });
      });
    });

    describe("heartbeats and progress", () => {
      it("tells an attempt whether it is the current one", async () => {
        const task = await created();
        expect(await beat(task, 0, 1)).toEqual({ isCurrent: false });
        await begin(task);
        expect(await beat(task, 1, 2_000)).toEqual({ isCurrent: true });
        await begin(task, 1);
        expect(await beat(task, 1, 3_000)).toEqual({ isCurrent: false });
        expect(await beat(task, 2, 3_000)).toEqual({ isCurrent: true });
        await settle(task, 2);
        expect(await beat(task, 2, 4_000)).toEqual({ isCurrent: false });
      });

      it("does not wait for a transaction that holds the task", async () => {
        const task = await created();
        await begin(task);
        const open = await openTransaction(world.unitOfWork);
        await world.tasks.settle(open.transaction, task.id, 1, settlementOf(task));
        expect(await beat(task, 1, 2_000)).toEqual({ isCurrent: true });
        await open.commit();
      });

      it("shows what the attempt reported, and never as the task's message", async () => {
        const task = await created({ total: 10 });
        await begin(task);
        const reported = progressOf(10, countsOf(3, 1), { elapsedMs: 2_000, attempted: 4, message: "working" });
        await beat(task, 1, 2_000, reported);
        expect(await found(task)).toMatchObject({ message: null, progress: reported });
        await beat(task, 1, 3_000);
        expect(await found(task)).toMatchObject({ progress: reported });
        await settle(task, 1, { message: "done", counts: countsOf(9, 1) });
        expect(await found(task)).toMatchObject({ message: "done", progress: progressOf(10, countsOf(9, 1)) });
        await beat(task, 1, 9_000, progressOf(10, countsOf(1), { message: "late" }));
        expect(await found(task)).toMatchObject({
          status: "SUCCEEDED",
          message: "done",
          progress: progressOf(10, countsOf(9, 1)),
        });
      });

      it("shows the greater of what is committed and what is reported", async () => {
        const task = await created({ total: 4, chunks: [["1", "2"], ["3", "4"]] });
        await begin(task);
        const reported = progressOf(4, countsOf(1), { elapsedMs: 1_000, attempted: 1, message: "one" });
        await beat(task, 1, 2_000, reported);
        await finishChunk(task, 1, countsOf(1, 0, 1));
        expect(await found(task)).toMatchObject({
          progress: { ...reported, ...countsOf(1, 0, 1), processed: 2, percent: 50 },
        });
        await beat(task, 1, 3_000, progressOf(4, countsOf(3)));
        expect(await found(task)).toMatchObject({ progress: progressOf(4, countsOf(3)) });
      });

      it("learns a total that only the handler knows", async () => {
        const task = await created({ total: null });
        await begin(task);
        await beat(task, 1, 2_000, progressOf(8, countsOf(2)));
        expect(await found(task)).toMatchObject({ progress: progressOf(8, countsOf(2)) });
        await settle(task, 1, { counts: countsOf(8), total: 8 });
        expect(await found(task)).toMatchObject({ progress: progressOf(8, countsOf(8)) });
      });
    });

    describe("settlement", () => {
      /** Brings a new task to a status, by the way the table allows; undefined where the store has no way there. */
      const taskIn = async (status: TaskStatus): Promise<{ task: NewTask; attempt: number } | undefined> => {
        if (status === "WAITING") {
          return undefined;
        }
        const task = await created();
        if (status === "PENDING") {
          return { task, attempt: 0 };
        }
        await begin(task);
        if (isFinal(status)) {
          await settle(task, 1, { status });
        }
        return { task, attempt: 1 };
      };

      it("follows the table of transitions, whatever the pair", async () => {
        for (const from of TASK_STATUSES) {
          for (const to of FINAL_STATUSES) {
            const start = await taskIn(from);
            if (start !== undefined) {
              const isAllowed = TRANSITIONS[from].includes(to);
              expect(await settle(start.task, start.attempt, { status: to }), `${from} to ${to}`).toBe(isAllowed);
              expect((await found(start.task))?.status).toBe(isAllowed ? to : from);
            }
          }
        }
      });

      it("stores outcome and errors", async () => {
        const task = await created({ total: 4 });
        await begin(task);
        const errors: NewTaskError[] = [
          { recordId: "1", outcome: "FAILED", code: "CONSTRAINT_VIOLATED", message: "taken, 'x'", field: "name" },
          { recordId: null, outcome: "SKIPPED", code: "RECORD_MISSING", message: "gone {1}" },
        ];
        const result = { affected: [1, 2], text: '"' };
        expect(
          await settle(task, 1, { status: "PARTIAL", message: "two", result, counts: countsOf(2, 1, 1), errors }),
        ).toBe(true);
        expect(await found(task)).toMatchObject({
          status: "PARTIAL",
          message: "two",
          result,
          finishedAt: after(task, 5_000),
          progress: progressOf(4, countsOf(2, 1, 1)),
        });
        const stored = await world.tasks.errors(task.id, 0, 10);
        expect(stored).toEqual(errors.map((error) => ({ ...error, position: expect.any(Number) })));
        expect(await world.tasks.countErrors(task.id)).toBe(2);
        expect(await world.tasks.errors(task.id, 0, 1)).toEqual(stored.slice(0, 1));
        expect(await world.tasks.errors(task.id, stored[0]?.position ?? 0, 10)).toEqual(stored.slice(1));
        expect(await world.tasks.errors(sampleTask().id, 0, 10)).toEqual([]);
        expect(await world.tasks.countErrors(sampleTask().id)).toBe(0);
      });

      it("does nothing for an attempt that lost the task", async () => {
        const task = await created();
        await begin(task);
        await begin(task, 1);
        const errors: NewTaskError[] = [{ recordId: "1", outcome: "FAILED", code: "TASK_FAILED", message: "late" }];
        expect(await settle(task, 1, { status: "FAILED", errors })).toBe(false);
        expect(await found(task)).toMatchObject({ status: "RUNNING", attempt: 2, finishedAt: null });
        expect(await world.tasks.countErrors(task.id)).toBe(0);
        expect(await settle(task, 2)).toBe(true);
        expect(await settle(task, 2, { status: "FAILED" })).toBe(false);
        expect(await settle(sampleTask(), 0, { status: "CANCELLED" })).toBe(false);
      });

      it("sums the chunks unless it is told the counts", async () => {
        const chunks = [["1", "2"], ["3"], ["4"]];
        const summed = await created({ total: 4, chunks });
        await begin(summed);
        await finishChunk(summed, 1, countsOf(1, 1));
        await finishChunk(summed, 2, countsOf(0, 0, 1));
        await settle(summed, 1, { status: "PARTIAL" });
        expect(await found(summed)).toMatchObject({ progress: progressOf(4, countsOf(1, 1, 1)) });
        const told = await created({ total: 4, chunks });
        await begin(told);
        await finishChunk(told, 1, countsOf(2));
        await settle(told, 1, { status: "FAILED", counts: countsOf(0, 4) });
        expect(await found(told)).toMatchObject({ progress: progressOf(4, countsOf(0, 4)) });
      });

      it("waits for a chunk that is being committed, and counts it", async () => {
        const task = await created({ total: 2, chunks: [["1"], ["2"]] });
        await begin(task);
        await finishChunk(task, 1, countsOf(1));
        const open = await openTransaction(world.unitOfWork);
        await world.finishChunk(open.transaction, task.id, 2, countsOf(1));
        const settling = settle(task, 1);
        await world.untilWaiting();
        await open.commit();
        expect(await settling).toBe(true);
        expect(await found(task)).toMatchObject({ progress: progressOf(2, countsOf(2)) });
      });

      it("settles one of two at once", async () => {
        const task = await created();
        await begin(task);
        const outcomes = await Promise.all(FINAL_STATUSES.map((status) => settle(task, 1, { status })));
        expect(outcomes.filter(Boolean)).toHaveLength(1);
        expect((await found(task))?.status).toBe(FINAL_STATUSES[outcomes.indexOf(true)]);
      });

      it("leaves no trace of a settlement that is rolled back", async () => {
        const task = await created({ total: 2 });
        await begin(task);
        await beat(task, 1, 1_500, progressOf(2, countsOf(1)));
        const open = await openTransaction(world.unitOfWork);
        await world.tasks.settle(open.transaction, task.id, 1, settlementOf(task));
        await open.rollBack();
        expect(await found(task)).toMatchObject({ status: "RUNNING", progress: progressOf(2, countsOf(1)) });
        expect(await settle(task, 1)).toBe(true);
      });
    });

    describe("cleaning", () => {
      it("is noted once, only of settled tasks, and does not change the status", async () => {
        const task = await created();
        expect(await markCleaned(task)).toBe(false);
        await begin(task);
        expect(await markCleaned(task)).toBe(false);
        await settle(task, 1, { status: "FAILED" });
        expect(await markCleaned(task)).toBe(true);
        expect(await markCleaned(task)).toBe(false);
        expect(await found(task)).toMatchObject({ status: "FAILED", isCleaned: true });
        expect(await markCleaned(sampleTask())).toBe(false);
      });

      it("is noted by one of two at once", async () => {
        const task = await created();
        await settle(task, 0, { status: "CANCELLED" });
        const outcomes = await Promise.all([markCleaned(task), markCleaned(task), markCleaned(task)]);
        expect(outcomes.filter(Boolean)).toHaveLength(1);
      });
    });

    describe("what the sweeper looks for", () => {
      // Years of their own keep these tests apart from all others' tasks.
      const inYear = (year: number, second: number): Date => new Date(Date.UTC(year, 0, 1, 0, 0, second));

      it("finds tasks that were never enqueued, oldest first", async () => {
        const tasks: NewTask[] = [];
        for (const second of [30, 10, 20, 40]) {
          tasks.push(await created({ createdAt: inYear(1990, second) }));
        }
        const [thirty, ten, twenty, forty] = tasks.map(({ id }) => ({ id, attempt: 0 }));
        expect(await world.tasks.findUnenqueued(inYear(1990, 40), 10)).toEqual([ten, twenty, thirty]);
        expect(await world.tasks.findUnenqueued(inYear(1990, 40), 2)).toEqual([ten, twenty]);
        await world.tasks.markEnqueued([ten?.id ?? "", sampleTask().id], inYear(1990, 50));
        await begin(tasks[2] as NewTask);
        expect(await world.tasks.findUnenqueued(inYear(1990, 59), 10)).toEqual([thirty, forty]);
        await world.tasks.markEnqueued([], inYear(1990, 50));
      });

      it("finds running tasks that went silent, longest silent first", async () => {
        const tasks: NewTask[] = [];
        for (const second of [1, 2, 3]) {
          const task = await created({ createdAt: inYear(1980, second) });
          await begin(task, 0, inYear(1980, 10 + second));
          tasks.push(task);
        }
        const [first, second, third] = tasks.map(({ id }) => ({ id, attempt: 1 }));
        expect(await world.tasks.findOrphans(inYear(1980, 13), 10)).toEqual([first, second]);
        expect(await world.tasks.findOrphans(inYear(1980, 20), 1)).toEqual([first]);
        await world.tasks.heartbeat({ taskId: first?.id ?? "", attempt: 1, at: inYear(1980, 30) });
        expect(await world.tasks.findOrphans(inYear(1980, 29), 10)).toEqual([second, third]);
        await begin(tasks[1] as NewTask, 1, inYear(1980, 40));
        await settle(tasks[2] as NewTask, 1);
        expect(await world.tasks.findOrphans(inYear(1980, 59), 10)).toEqual([
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
        expect(await world.tasks.findUncleaned(inYear(1970, 13), 10)).toEqual([one, two]);
        await markCleaned(tasks[1] as NewTask);
        expect(await world.tasks.findUncleaned(inYear(1970, 20), 10)).toEqual([two, three]);
        expect(await world.tasks.findUncleaned(inYear(1970, 20), 1)).toEqual([two]);
      });
    });
  });
}

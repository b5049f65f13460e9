import { describe, expect, it } from "vitest";
import { isFinal, TASK_STATUSES } from "../../src/core/tasks/task-status.ts";
import type { FinalStatus } from "../../src/core/tasks/task-status.ts";
import type { IdempotentTask, NewTask } from "../../src/core/tasks/new-tasks.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { openTransaction } from "./open-transaction.ts";
import { sampleTask } from "./sample-task.ts";
import { taskVerbs } from "./task-verbs.ts";

const FINAL_STATUSES = TASK_STATUSES.filter((status): status is FinalStatus => isFinal(status));

describeWorlds("task store, duplicates", (world) => {
  const { create, created, begin, settle } = taskVerbs(world);

  const found = (task: NewTask): Promise<IdempotentTask | undefined> =>
    world().tasks.findDuplicate(task.viewer, task.duplicateKey ?? "");
  const idempotent = ({ id, inputHash }: NewTask): IdempotentTask => ({ id, inputHash });

  describe("the duplicate key", () => {
    it("is taken until the task is settled; a launch meanwhile leaves no trace", async () => {
      const first = await created({ duplicateKey: "until settled", inputHash: "h" });
      const second = sampleTask({ duplicateKey: "until settled" });
      expect(await create(second)).toEqual({ kind: "EXISTING", existing: idempotent(first) });
      expect(await found(second)).toEqual(idempotent(first));
      await begin(first);
      expect(await create(second)).toEqual({ kind: "EXISTING", existing: idempotent(first) });
      expect((await world().tasks.find([second.id])).size).toBe(0);
      await settle(first, 1);
      expect(await found(second)).toBeUndefined();
      expect(await create(second)).toEqual({ kind: "CREATED" });
    });

    it.each(FINAL_STATUSES)("is free again after %s", async (status) => {
      const first = await created({ duplicateKey: `until ${status}` });
      await begin(first);
      await settle(first, 1, { status });
      expect(await create(sampleTask({ duplicateKey: `until ${status}` }))).toEqual({ kind: "CREATED" });
    });

    it("is separate for each viewer; anonymous viewers share theirs", async () => {
      const task = { duplicateKey: "whose" };
      await created(task);
      await created({ ...task, viewer: { id: "bea" } });
      const anonymous = await created({ ...task, viewer: { id: null } });
      expect(await create(sampleTask({ ...task, viewer: { id: null } }))).toMatchObject({
        existing: { id: anonymous.id },
      });
      expect(await world().tasks.findDuplicate({ id: "cid" }, "whose")).toBeUndefined();
    });

    it("is separate from idempotency keys, and null is no key", async () => {
      await created({ duplicateKey: "either" });
      await created({ idempotencyKey: "either" });
      await created({ duplicateKey: null });
      await created({ duplicateKey: null });
      expect(await world().tasks.findDuplicate({ id: "ann" }, "")).toBeUndefined();
    });

    it("lets only one of many launches at once through", async () => {
      const tasks = Array.from({ length: 8 }, () => sampleTask({ duplicateKey: "crowd" }));
      const results = await Promise.all(tasks.map(create));
      const winners = tasks.filter((_task, at) => results[at]?.kind === "CREATED");
      expect(winners).toHaveLength(1);
      expect(results.filter(({ kind }) => kind !== "CREATED")).toEqual(
        Array.from({ length: 7 }, () => ({
          kind: "EXISTING",
          existing: { id: winners[0]?.id, inputHash: "hash" },
        })),
      );
    });

    it("is free again when the launch that took it is rolled back", async () => {
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.create(open.transaction, sampleTask({ duplicateKey: "undone" }));
      const second = create(sampleTask({ duplicateKey: "undone" }));
      await world().untilWaiting();
      await open.rollBack();
      expect(await second).toEqual({ kind: "CREATED" });
    });
  });

  describe("locking the duplicate key", () => {
    it("makes the next launch that locks it wait, and then shows it the task", async () => {
      const task = sampleTask({ duplicateKey: "locked", inputHash: "h" });
      const open = await openTransaction(world().unitOfWork);
      const lock = (transaction: typeof open.transaction): Promise<IdempotentTask | undefined> =>
        world().tasks.lockDuplicate(transaction, task.viewer, "locked");
      expect(await lock(open.transaction)).toBeUndefined();
      const second = world().unitOfWork.run(lock);
      await world().untilWaiting();
      await world().tasks.create(open.transaction, task);
      await open.commit();
      expect(await second).toEqual(idempotent(task));
    });
  });
});

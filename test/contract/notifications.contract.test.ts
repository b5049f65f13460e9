import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createPostgresInbox } from "../../src/adapters/postgres/notifications/postgres-inbox.ts";
import { createPostgresOutbox } from "../../src/adapters/postgres/notifications/postgres-outbox.ts";
import type { Inbox } from "../../src/core/notifications/inbox.ts";
import type { Outbox } from "../../src/core/notifications/outbox.ts";
import type { NewTask } from "../../src/core/tasks/new-tasks.ts";
import type { Notify } from "../../src/core/tasks/notify.ts";
import type { FinalStatus } from "../../src/core/tasks/task-status.ts";
import { describeLocks as describePostgres } from "./describe-worlds.ts";
import { openTransaction } from "./open-transaction.ts";
import { after } from "./sample-task.ts";
import { settlementOf, taskVerbs } from "./task-verbs.ts";

const HOOK: Notify = { channel: "WEBHOOK", target: "https://a.example" };

describePostgres("notifications", (world) => {
  const { created, begin } = taskVerbs(world);
  let outbox: Outbox;
  let inbox: Inbox;
  beforeAll(() => {
    const session = createPgSession(world().pool);
    outbox = createPostgresOutbox({ session });
    inbox = createPostgresInbox({ session });
  });
  beforeEach(() => world().pool.query("DELETE FROM powercrud.task"));

  /** Settles a new task. @returns the task, and the channels that the settlement says it notified */
  const settled = async (
    notify: readonly Notify[] | null,
    status: FinalStatus = "SUCCEEDED",
    viewerId: string | null = "ann",
  ): Promise<{ readonly task: NewTask; readonly notified: readonly string[] }> => {
    const task = await created({ notify, viewer: { id: viewerId } });
    await begin(task);
    const done = await world().unitOfWork.run((transaction) =>
      world().tasks.settle(transaction, task.id, 1, settlementOf(task, { status })),
    );
    return { task, notified: done?.notified ?? ["not settled"] };
  };
  const take = (task: NewTask, ms = 5_000, limit = 10) =>
    outbox.take({ at: after(task, ms), until: after(task, ms + 1_000), limit });

  describe("the settlement", () => {
    it("writes one for each recipient of that ending, and none for a status page", async () => {
      const notify: readonly Notify[] = [
        HOOK,
        { channel: "EMAIL", target: "a@b.example", on: ["FAILED", "SUCCEEDED"] },
        { channel: "EMAIL", target: "c@d.example", on: ["FAILED"] },
        { channel: "STATUS_PAGE" },
        { channel: "IN_APP", target: "ann" },
      ];
      const { task, notified } = await settled(notify);
      expect(notified.toSorted()).toEqual(["EMAIL", "IN_APP", "WEBHOOK"]);
      const taken = await take(task);
      expect(taken.map(({ target }) => target).toSorted()).toEqual(["a@b.example", "https://a.example"]);
      expect(taken[0]).toMatchObject({
        taskId: task.id,
        tries: 1,
        lastError: null,
        createdAt: after(task, 5_000),
      });
      expect(await inbox.list({ viewerId: "ann", limit: 10 })).toMatchObject([
        { taskId: task.id, createdAt: after(task, 5_000), readAt: null },
      ]);
      expect((await settled(null)).notified).toEqual([]);
      expect((await settled([{ ...HOOK, on: ["FAILED"] }])).notified).toEqual([]);
    });

    it("that is rolled back, or is not allowed, writes none", async () => {
      const task = await created({ notify: [HOOK] });
      await begin(task);
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.settle(open.transaction, task.id, 1, settlementOf(task));
      await open.rollBack();
      const late = await world().unitOfWork.run((transaction) =>
        world().tasks.settle(transaction, task.id, 7, settlementOf(task)),
      );
      expect(late).toBeUndefined();
      expect(await outbox.nextDue()).toBeUndefined();
    });
  });

  describe("the outbox", () => {
    it("gives each to one of several takers, and again once its time is over", async () => {
      const { task } = await settled([
        HOOK,
        { ...HOOK, target: "https://b.example" },
        { ...HOOK, target: "https://c.example" },
      ]);
      expect(await take(task, 4_999)).toEqual([]);
      const takers = await Promise.all([take(task, 5_000, 2), take(task, 5_000, 2), take(task, 5_000, 2)]);
      const ids = takers.flat().map(({ id }) => id);
      expect(ids).toHaveLength(3);
      expect(new Set(ids).size).toBe(3);
      expect(await take(task, 5_999)).toEqual([]);
      expect(await outbox.nextDue()).toEqual(after(task, 6_000));
      expect((await take(task, 6_000)).map(({ tries }) => tries)).toEqual([2, 2, 2]);
    });

    it("takes note of how a try ended, unless another has begun", async () => {
      const { task } = await settled([HOOK]);
      const [first] = await take(task);
      const [second] = await take(task, 6_000);
      await outbox.conclude(first!, { kind: "SENT", at: after(task, 6_500) });
      expect(await outbox.nextDue()).toEqual(after(task, 7_000));
      await outbox.conclude(second!, { kind: "POSTPONED", until: after(task, 9_000), error: "no" });
      expect(await outbox.nextDue()).toEqual(after(task, 9_000));
      const [third] = await take(task, 9_000);
      expect(third).toMatchObject({ tries: 3, lastError: "no" });
      await outbox.conclude(third!, { kind: "SENT", at: after(task, 9_500) });
      expect(await outbox.nextDue()).toBeUndefined();
      expect(await outbox.countDead({})).toBe(0);
    });

    it("lists dead ones for their launcher, or for all, and revives them", async () => {
      const launchers = ["ann", "bob", null] as const;
      for (const launcher of launchers) {
        const { task } = await settled([HOOK], "FAILED", launcher);
        const [taken] = await take(task, 60_000);
        await outbox.conclude(taken!, { kind: "DEAD", error: `no ${launcher}` });
      }
      const all = await outbox.listDead({ limit: 10 });
      expect(all.map(({ lastError }) => String(lastError)).toSorted()).toEqual([
        "no ann",
        "no bob",
        "no null",
      ]);
      const page = await outbox.listDead({ limit: 2 });
      const rest = await outbox.listDead({ limit: 2, after: page[1]!.id });
      expect([...page, ...rest]).toEqual(all);
      expect(await outbox.listDead({ limit: 2, isBackward: true })).toEqual(all.slice(1));
      expect(await outbox.listDead({ limit: 2, isBackward: true, before: page[1]!.id })).toEqual(
        all.slice(0, 1),
      );
      for (const launchedBy of launchers) {
        expect(await outbox.countDead({ launchedBy })).toBe(1);
        expect(await outbox.listDead({ launchedBy, limit: 9 })).toMatchObject([
          { lastError: `no ${launchedBy}` },
        ]);
      }
      const ids = all.map(({ id }) => id);
      const at = new Date("2026-03-01T00:00:00.000Z");
      expect(await outbox.revive({ launchedBy: "bob", ids, at })).toHaveLength(1);
      expect(await outbox.revive({ ids: ["nonsense"], at })).toEqual([]);
      expect(await outbox.nextDue()).toEqual(at);
      expect(await outbox.take({ at, until: at, limit: 9 })).toMatchObject([{ tries: 1 }]);
      expect(await outbox.revive({ at })).toHaveLength(2);
      expect(await outbox.countDead({})).toBe(0);
    });
  });

  describe("the inbox", () => {
    it("has each viewer's own, and knows those since a time", async () => {
      const { task } = await settled([{ channel: "IN_APP", target: "ann" }]);
      await settled([{ channel: "IN_APP", target: "bob" }]);
      const since = (viewerIds: readonly string[], ms: number) =>
        inbox.since({ viewerIds, since: after(task, ms), limit: 10 });
      expect(await since(["ann"], 5_000)).toMatchObject([{ viewerId: "ann", taskId: task.id }]);
      expect(await since(["ann"], 65_000)).toEqual([]);
      expect((await since(["ann", "bob", "eve"], 0)).map(({ viewerId }) => viewerId).toSorted()).toEqual([
        "ann",
        "bob",
      ]);
      expect(await inbox.count({ viewerId: "eve" })).toBe(0);
    });
  });
});

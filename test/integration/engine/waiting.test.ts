import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { retryWaiting } from "../../../src/core/tasks/settle/promote-waiting.ts";
import { openTransaction } from "../../contract/open-transaction.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { PATIENT } from "../../support/sweep-options.ts";
import { emptying } from "../../support/empty-tables.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;
const WAIT = { ...SKIP_FAILED, onConflict: "WAIT" } as const;

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 200);
});

/** Sets the count of records. The last task's value remains. */
function setCount(ids: readonly string[], count: number, options: object = WAIT): Promise<Task> {
  return engine.launched({
    operation: "UPDATE",
    change: { count: { set: count } },
    selection: { ids },
    options,
  });
}

async function countOf(id: number): Promise<number | undefined> {
  const [row] = await engine.session.query<{ count: number }>("SELECT count FROM thing WHERE id = $1", [id]);
  return row?.count;
}

async function allSettled(tasks: readonly Task[]): Promise<readonly Task[]> {
  return Promise.all(tasks.map(({ id }) => engine.settled(id)));
}

describe("a launch that waits", () => {
  it("runs at once if nothing conflicts", async () => {
    const task = await setCount(["1", "2"], 5);
    expect((await engine.settled(task.id)).status).toBe("SUCCEEDED");
    expect(await countOf(2)).toBe(5);
  });

  it("waits in line, names its blocker, and runs when that has settled", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1", "2"], 5, SKIP_FAILED);
    const waiting = await setCount(["2", "3"], 6);
    expect(waiting).toMatchObject({ status: "WAITING", blockedBy: holder.id, attempt: 0 });
    expect(await engine.ports.locks.heldBy(waiting.id)).toEqual([]);
    await release();
    expect(await engine.settled(waiting.id)).toMatchObject({ status: "SUCCEEDED", blockedBy: null });
    expect([await countOf(1), await countOf(2), await countOf(3)]).toEqual([5, 6, 6]);
    expect(await engine.ports.locks.heldBy(waiting.id)).toEqual([]);
  });

  it("is served first come, first served per record, even if claims cross", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1"], 1, SKIP_FAILED);
    const tasks = [
      await setCount(["1", "2"], 2),
      await setCount(["2", "3"], 3),
      await setCount(["3", "1"], 4),
      await setCount(["2"], 5),
    ];
    expect(tasks.map(({ status }) => status)).toEqual(["WAITING", "WAITING", "WAITING", "WAITING"]);
    await release();
    expect((await allSettled([holder, ...tasks])).map(({ status }) => status)).toEqual(
      Array.from({ length: 5 }, () => "SUCCEEDED"),
    );
    expect([await countOf(1), await countOf(2), await countOf(3)]).toEqual([4, 5, 4]);
    const started = await Promise.all(tasks.map(({ id }) => engine.task(id)));
    const [first = 0, second = 0, ...last] = started.map(({ startedAt }) => startedAt?.getTime() ?? 0);
    expect(second).toBeGreaterThanOrEqual(first);
    // The last two share no record, so either may be the first of them.
    expect(Math.min(...last)).toBeGreaterThanOrEqual(second);
  });

  it("blocks only later launches on its records", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1"], 1, SKIP_FAILED);
    const waiting = await setCount(["1", "2"], 2);
    const refused = await engine.launch({
      operation: "UPDATE",
      change: { count: { set: 9 } },
      selection: { ids: ["2"] },
    });
    expect(refused).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ id: "2", owner: waiting.id, heldBy: { status: "WAITING" } }],
    });
    const free = await setCount(["3"], 3, SKIP_FAILED);
    expect((await engine.settled(free.id)).status).toBe("SUCCEEDED");
    await release();
    await allSettled([holder, waiting]);
  });

  it("leaves the line when it is cancelled, and later tasks are served", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1"], 1, SKIP_FAILED);
    const first = await setCount(["1", "2"], 2);
    const second = await setCount(["2"], 3);
    expect(second).toMatchObject({ status: "WAITING", blockedBy: first.id });
    const outcome = await cancelTask(engine.ports, { taskId: first.id, viewer: ANONYMOUS });
    expect(outcome).toMatchObject({ kind: "CANCELLED", task: { status: "CANCELLED" } });
    expect((await engine.settled(second.id)).status).toBe("SUCCEEDED");
    await release();
    await engine.settled(holder.id);
    expect([await countOf(1), await countOf(2)]).toEqual([1, 3]);
  });

  it("is promoted by the sweeper when its blocker settled without an announcement", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1"], 1, SKIP_FAILED);
    const waiting = await setCount(["1", "2"], 2);
    // As when a process dies between the settlement and its promotions.
    await engine.session.query("UPDATE powercrud.task SET blocked_by = gen_random_uuid() WHERE id = $1", [
      waiting.id,
    ]);
    expect((await sweep(engine.ports, PATIENT)).promoted).toEqual([]);
    expect(await engine.task(waiting.id)).toMatchObject({ status: "WAITING", blockedBy: holder.id });
    await engine.session.query("UPDATE powercrud.task SET blocked_by = gen_random_uuid() WHERE id = $1", [
      waiting.id,
    ]);
    await release();
    await engine.settled(holder.id);
    const summary = await sweep(engine.ports, PATIENT);
    expect(summary.promoted).toEqual([waiting.id]);
    expect((await engine.settled(waiting.id)).status).toBe("SUCCEEDED");
  });

  it("gets its turn among many others", async () => {
    const tasks = await Promise.all(
      Array.from({ length: 30 }, (_, at) => setCount([String(1 + (at % 3)), String(1 + (at % 5))], at)),
    );
    const settled = await allSettled(tasks);
    expect(new Set(settled.map(({ status }) => status))).toEqual(new Set(["SUCCEEDED"]));
    expect(await lockOwners(engine.session)).toEqual([]);
  });
});

describe("a long line for one record", () => {
  const LENGTH = 40;

  it("tries each waiting task about once, not all of them after every settlement", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1"], 0, SKIP_FAILED);
    const tasks: Task[] = [];
    for (let at = 1; at <= LENGTH; at += 1) {
      tasks.push(await setCount(["1"], at));
    }
    expect(tasks.map(({ blockedBy }) => blockedBy)).toEqual(
      [holder, ...tasks.slice(0, -1)].map(({ id }) => id),
    );
    const tries = vi.spyOn(engine.ports.locks, "acquireWaiting");
    await release();
    await allSettled([holder, ...tasks]);
    expect(await countOf(1)).toBe(LENGTH);
    expect(tries.mock.calls.length).toBeLessThan(2 * LENGTH);
    tries.mockRestore();
  });

  it("may be left by a task while it is promoted, without a deadlock", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1"], 0, SKIP_FAILED);
    const waiting = await setCount(["1", "2"], 1);
    // The state of a settlement just before it leaves the line.
    const leaving = await openTransaction(engine.ports.unitOfWork);
    expect(await engine.ports.tasks.lockWaiting(leaving.transaction, waiting.id)).toBe(true);
    const retried = retryWaiting(engine.ports, { id: waiting.id, hasDependents: false });
    await untilWaiting(engine.session, { kind: "transactionid", count: 2 });
    await engine.ports.locks.release(leaving.transaction, waiting.id);
    await leaving.rollBack();
    expect(await retried).toBe(false);
    await release();
    await allSettled([holder, waiting]);
  });
});

describe("a launch that skips", () => {
  const SKIP = { ...SKIP_FAILED, onConflict: "SKIP" } as const;

  it("changes the free records, and reports the held ones with their holders", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1", "2", "3"], 1, SKIP_FAILED);
    const task = await setCount(["2", "3", "4", "5"], 7, SKIP);
    expect(task.progress).toMatchObject({ total: 4, skipped: 2 });
    const settled = await engine.settled(task.id);
    expect(settled).toMatchObject({
      status: "SUCCEEDED",
      progress: { total: 4, processed: 4, succeeded: 2, skipped: 2, failed: 0 },
    });
    const errors = await engine.ports.tasks.errors(task.id, 0, 10);
    expect(errors.map(({ recordId, outcome, code }) => [recordId, outcome, code])).toEqual([
      ["2", "SKIPPED", "RECORD_LOCKED"],
      ["3", "SKIPPED", "RECORD_LOCKED"],
    ]);
    expect(errors[0]?.message).toContain(holder.id);
    expect([await countOf(4), await countOf(5)]).toEqual([7, 7]);
    await release();
    await engine.settled(holder.id);
    expect(await countOf(2)).toBe(1);
  });

  it("reports the list indexes of the held records", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1", "2", "3"], 1, SKIP_FAILED);
    const task = await engine.launched({
      operation: "UPDATE_EACH",
      records: ["4", "3", "5", "2"].map((id) => ({ id, data: id === "2" ? { name: "two" } : { count: 7 } })),
      options: SKIP,
    });
    await engine.settled(task.id);
    const errors = await engine.ports.tasks.errors(task.id, 0, 10);
    expect(
      errors
        .map(({ recordId, code, index }) => [recordId, code, index] as const)
        .toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
    ).toEqual([
      ["2", "RECORD_LOCKED", 3],
      ["3", "RECORD_LOCKED", 1],
    ]);
    await release();
    await engine.settled(holder.id);
  });

  it("succeeds without a change if all records are held", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1", "2"], 1, SKIP_FAILED);
    const task = await setCount(["1", "2"], 7, SKIP);
    expect(await engine.settled(task.id)).toMatchObject({
      status: "SUCCEEDED",
      progress: { succeeded: 0, skipped: 2 },
    });
    await release();
    await engine.settled(holder.id);
  });

  it("counts the skipped records even if all others are rolled back", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1"], 1, SKIP_FAILED);
    const task = await engine.launched({
      operation: "UPDATE",
      change: { count: { set: 3 } },
      selection: { ids: ["1", "2", "3"] },
      options: { onConflict: "SKIP", errorPolicy: "ALL_OR_NOTHING", mode: "ASYNC" },
    });
    expect(await engine.settled(task.id)).toMatchObject({
      status: "SUCCEEDED",
      progress: { total: 3, succeeded: 2, skipped: 1 },
    });
    await release();
    await engine.settled(holder.id);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TASK_TOPIC } from "../../../src/core/events/task-announcement.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const INCREMENT = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;
const SKIP_FAILED = { errorPolicy: "SKIP_FAILED" } as const;

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 500);
});

async function sumOfCounts(): Promise<number> {
  const [row] = await engine.session.query<{ sum: number }>("SELECT sum(count)::int AS sum FROM thing");
  return row?.sum ?? 0;
}

async function eventsOf(taskId: string): Promise<readonly string[]> {
  const events = await engine.ports.log.replay({ after: 0, taskIds: [taskId], limit: 100 });
  expect(events.map((event) => event.sequence)).toEqual(events.map((_, at) => at + 1));
  return events.map((event) => event.type);
}

describe.each(["SKIP_FAILED", "ALL_OR_NOTHING"] as const)("a bulk update under %s", (errorPolicy) => {
  it("changes every record once, and publishes events from CREATE to CLEANUP", async () => {
    const before = await sumOfCounts();
    const task = await engine.launched({ ...INCREMENT, options: { errorPolicy } });
    const settled = await engine.settled(task.id);
    expect(settled).toMatchObject({ status: "SUCCEEDED", attempt: 1 });
    expect(settled.progress).toMatchObject({
      total: 500,
      processed: 500,
      succeeded: 500,
      failed: 0,
      percent: 100,
    });
    expect(await sumOfCounts()).toBe(before + 500);
    await expect.poll(() => eventsOf(task.id)).toEqual(["CREATE", "START", "COMPLETE", "CLEANUP"]);
    expect(await lockOwners(engine.session)).toEqual([]);
  });

  it("writes only the named columns and the time of the change", async () => {
    const task = await engine.launched({
      operation: "UPDATE",
      change: { state: { set: "OFF" } },
      options: { errorPolicy },
    });
    await engine.settled(task.id);
    const rows = await engine.session.query(
      "SELECT DISTINCT state::text, untouched, updated_at > now() AT TIME ZONE 'UTC' - interval '1 minute' AS is_fresh FROM thing",
    );
    expect(rows).toEqual([{ state: "OFF", untouched: "as it was", is_fresh: true }]);
  });

  it("skips and names missing records, and does not create them", async () => {
    await engine.pool.query("DELETE FROM thing WHERE id = 7");
    const ids = Array.from({ length: 30 }, (_, at) => String(at + 1));
    const task = await engine.launched({
      ...INCREMENT,
      selection: { ids: [...ids, "999999"] },
      options: { errorPolicy },
    });
    const settled = await engine.settled(task.id);
    expect(settled.status).toBe("SUCCEEDED");
    expect(settled.progress).toMatchObject({ total: 31, succeeded: 29, skipped: 2, failed: 0 });
    const errors = await engine.ports.tasks.errors(task.id, 0, 10);
    expect(errors.map(({ recordId, outcome, code }) => ({ recordId, outcome, code }))).toEqual([
      { recordId: "7", outcome: "SKIPPED", code: "RECORD_MISSING" },
      { recordId: "999999", outcome: "SKIPPED", code: "RECORD_MISSING" },
    ]);
    expect(await engine.session.query("SELECT id FROM thing WHERE id IN (7, 999999)")).toEqual([]);
  });

  it("deletes records, and counts those already gone as skipped", async () => {
    await engine.pool.query("DELETE FROM thing WHERE id = 3");
    const ids = Array.from({ length: 40 }, (_, at) => String(at + 1));
    const task = await engine.launched({ operation: "DELETE", selection: { ids }, options: { errorPolicy } });
    const settled = await engine.settled(task.id);
    expect(settled).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 39, skipped: 1 } });
    expect(await engine.session.query("SELECT count(*)::int AS n FROM thing")).toEqual([{ n: 460 }]);
  });

  it("settles at once if its filter matches nothing", async () => {
    const task = await engine.launched({
      ...INCREMENT,
      selection: { where: { tenant: { equals: "nobody" } } },
      options: { errorPolicy },
    });
    expect(task).toMatchObject({
      status: "SUCCEEDED",
      message: "Nothing was changed: no records were selected.",
      progress: { total: 0, processed: 0, percent: 100 },
    });
  });

  it("says in its message that all selected records were skipped", async () => {
    await engine.pool.query("DELETE FROM thing WHERE id IN (3, 4)");
    const task = await engine.launched({
      ...INCREMENT,
      selection: { ids: ["3", "4"] },
      options: { errorPolicy },
    });
    const settled = await engine.settled(task.id);
    expect(settled).toMatchObject({
      status: "SUCCEEDED",
      message: "Nothing was changed: all 2 records were skipped.",
      progress: { succeeded: 0, skipped: 2 },
    });
    const events = await engine.ports.log.replay({ after: 0, taskIds: [task.id], limit: 100 });
    expect(events.find(({ type }) => type === "COMPLETE")?.message).toBe(settled.message);
  });
});

describe("records that violate a constraint", () => {
  beforeEach(() => engine.pool.query("UPDATE thing SET count = 999 WHERE id IN (77, 401)"));

  it("undo everything under ALL_OR_NOTHING, and are named", async () => {
    const before = await sumOfCounts();
    const task = await engine.launched({ ...INCREMENT, options: { errorPolicy: "ALL_OR_NOTHING" } });
    const settled = await engine.settled(task.id);
    expect(settled).toMatchObject({ status: "FAILED", progress: { succeeded: 0, failed: 1 } });
    expect(settled.message).toMatch(/Nothing was changed. Record 77: .*count_below_thousand/);
    expect(await sumOfCounts()).toBe(before);
    const errors = await engine.ports.tasks.errors(task.id, 0, 10);
    expect(errors).toEqual([
      expect.objectContaining({ recordId: "77", outcome: "FAILED", code: "CONSTRAINT_VIOLATED" }),
    ]);
    await expect.poll(() => eventsOf(task.id)).toEqual(["CREATE", "START", "FAIL", "CLEANUP"]);
    expect(await lockOwners(engine.session)).toEqual([]);
  });

  it("are the only ones left out under SKIP_FAILED", async () => {
    const before = await sumOfCounts();
    const task = await engine.launched({ ...INCREMENT, options: SKIP_FAILED });
    const settled = await engine.settled(task.id);
    expect(settled).toMatchObject({
      status: "PARTIAL",
      progress: { succeeded: 498, failed: 2, processed: 500 },
    });
    expect(await sumOfCounts()).toBe(before + 498);
    const errors = await engine.ports.tasks.errors(task.id, 0, 10);
    expect(new Set(errors.map((error) => error.recordId))).toEqual(new Set(["77", "401"]));
  });

  it("make the task FAILED if none could be written, and name the field", async () => {
    const ids = ["1", "2", "888888"];
    const task = await engine.launched({
      operation: "UPDATE",
      change: { ownerId: { set: 42 } },
      selection: { ids },
      options: SKIP_FAILED,
    });
    expect(task).toMatchObject({ status: "FAILED", progress: { failed: 2, skipped: 1 } });
    const [first] = await engine.ports.tasks.errors(task.id, 0, 10);
    expect(first).toMatchObject({
      recordId: "1",
      field: "ownerId",
      message: expect.stringMatching(/no record 42/),
    });
  });

  it("are found one by one if another table's rows prevent a delete", async () => {
    await engine.pool.query("INSERT INTO part VALUES (1, 10); INSERT INTO seal VALUES (2, 20)");
    const ids = Array.from({ length: 25 }, (_, at) => String(at + 1));
    const task = await engine.launched({ operation: "DELETE", selection: { ids }, options: SKIP_FAILED });
    expect(await engine.settled(task.id)).toMatchObject({
      status: "PARTIAL",
      progress: { succeeded: 23, failed: 2 },
    });
    expect(await engine.session.query("SELECT id FROM thing WHERE id <= 25 ORDER BY id")).toEqual([
      { id: 10 },
      { id: 20 },
    ]);
    const errors = await engine.ports.tasks.errors(task.id, 0, 10);
    expect(new Set(errors.map((error) => error.message))).toEqual(
      new Set(["It is still referred to by records of part.", "It is still referred to by records of seal."]),
    );
  });
});

describe("progress", () => {
  it("is visible while an ALL_OR_NOTHING transaction is open, but its data is not", async () => {
    const release = await holdRecord(engine, 500);
    let dataMeanwhile: unknown;
    const task = await engine.launched({ ...INCREMENT, options: { errorPolicy: "ALL_OR_NOTHING" } });
    const seen: number[] = [];
    for await (const state of engine.feed.watch(task.id)) {
      seen.push(state.progress.processed);
      if (state.progress.processed > 0 && dataMeanwhile === undefined) {
        dataMeanwhile = await engine.session.query("SELECT count FROM thing WHERE id = 1");
        await release();
      }
    }
    expect(dataMeanwhile).toEqual([{ count: 1 }]);
    expect(seen.at(-1)).toBe(500);
    expect(seen.some((processed) => processed > 0 && processed < 500)).toBe(true);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it("comes after CREATE, and late reports do not revive a settled task", async () => {
    const task = await engine.launched({ ...INCREMENT, options: SKIP_FAILED });
    const settled = await engine.settled(task.id);
    const stale = { ...settled.progress, processed: 1, succeeded: 1, message: "late" };
    await engine.ports.bus.publish(TASK_TOPIC, {
      kind: "PROGRESS",
      taskId: task.id,
      attempt: 1,
      at: new Date().toISOString(),
      progress: { ...stale },
    });
    const beat = await engine.ports.tasks.heartbeat({
      taskId: task.id,
      attempt: 1,
      at: new Date(),
      progress: stale,
    });
    expect(beat.isCurrent).toBe(false);
    expect(await engine.task(task.id)).toMatchObject({
      status: "SUCCEEDED",
      message: settled.message,
      progress: { processed: 500, message: settled.progress.message },
    });
  });
});

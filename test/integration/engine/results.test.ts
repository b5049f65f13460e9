import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { TaskRecord } from "../../../src/core/tasks/task-results.ts";
import { BEFORE_RECORDS } from "../../../src/core/tasks/task-results.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;
const ids = (first: number, last: number): readonly string[] =>
  Array.from({ length: last - first + 1 }, (_, at) => String(first + at));

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture({ chunkRecords: 10 });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing, label", { isIdentityRestarted: true }));
  await insertThings(engine.session, 60);
});

async function run(request: Parameters<EngineFixture["launched"]>[0]): Promise<Task> {
  const { id } = await engine.launched({ options: SKIP_FAILED, ...request });
  return engine.settled(id);
}

/** The task's records, read in pages of another size than its chunks. */
async function recordsOf(taskId: string): Promise<readonly TaskRecord[]> {
  const all: TaskRecord[] = [];
  for (let isLast = false; !isLast;) {
    const query = { after: all.at(-1)?.place ?? BEFORE_RECORDS, limit: 7 };
    const page = (await engine.ports.tasks.recordPages([taskId], query)).get(taskId) ?? [];
    all.push(...page);
    isLast = page.length < 7;
  }
  return all;
}

/** The ids by outcome, checked against the task's counts. */
async function outcomesOf(task: Task): Promise<Partial<Record<TaskRecord["outcome"], readonly string[]>>> {
  const records = await recordsOf(task.id);
  const { succeeded, failed, skipped, total } = task.progress;
  const idsBy = new Map<TaskRecord["outcome"], string[]>();
  for (const { id, outcome } of records) {
    idsBy.set(outcome, [...(idsBy.get(outcome) ?? []), id]);
  }
  expect({
    succeeded: idsBy.get("SUCCEEDED")?.length ?? 0,
    failed: idsBy.get("FAILED")?.length ?? 0,
    skipped: idsBy.get("SKIPPED")?.length ?? 0,
    total: records.length,
  }).toEqual({ succeeded, failed, skipped, total });
  return Object.fromEntries(idsBy);
}

it("lists an update's changed, failed and missing records", async () => {
  const change = { name: { set: "thing 3" } };
  const task = await run({ operation: "UPDATE", selection: { ids: ["1", "3", "999"] }, change });
  expect(await outcomesOf(task)).toEqual({ SUCCEEDED: ["3"], FAILED: ["1"], SKIPPED: ["999"] });
  const [first] = await recordsOf(task.id);
  expect(first).toMatchObject({ id: "1", code: "CONSTRAINT_VIOLATED", message: expect.any(String) });
  expect(task.input).toEqual({ selection: { ids: ["1", "3", "999"] }, data: change });
});

it("lists a deletion's records that were left out since another task held them", async () => {
  const release = await holdRecord(engine, 1);
  const holder = await engine.launched({
    operation: "UPDATE",
    change: { count: { increment: 1 } },
    selection: { ids: ids(1, 5) },
    options: SKIP_FAILED,
  });
  const task = await run({
    operation: "DELETE",
    selection: { ids: ids(4, 30) },
    options: { ...SKIP_FAILED, onConflict: "SKIP" },
  });
  expect(await outcomesOf(task)).toEqual({ SUCCEEDED: ids(6, 30), SKIPPED: ["4", "5"] });
  expect(task.input).toEqual({ selection: { ids: ids(4, 30) } });
  await release();
  await engine.settled(holder.id);
});

it("lists what became of each record of a list", async () => {
  const updates = ids(1, 25).map((id) => ({ id, data: { count: id === "7" ? 5000 : 1 } }));
  const each = await run({ operation: "UPDATE_EACH", records: updates });
  expect(await outcomesOf(each)).toEqual({
    SUCCEEDED: ids(1, 25).filter((id) => id !== "7"),
    FAILED: ["7"],
  });
  expect(each.input).toEqual({ updatedFields: ["count"], records: updates });

  const created = ids(100, 112).map((id, at) => ({
    id: Number(id),
    name: at === 2 ? "thing 1" : id,
    count: 1,
  }));
  const create = await run({ operation: "CREATE", records: created });
  expect(await outcomesOf(create)).toEqual({
    SUCCEEDED: ids(100, 112).filter((id) => id !== "102"),
    FAILED: ["102"],
  });
  expect(create.input).toMatchObject({ records: created });

  const rows = ["60", "200"].map((id) => ({
    id,
    create: { name: `upserted ${id}`, count: 1 },
    update: { count: 2 },
  }));
  const upsert = await run({ operation: "UPSERT", records: rows });
  expect(await outcomesOf(upsert)).toEqual({ SUCCEEDED: ["60", "200"] });
  expect(upsert.input).toMatchObject({ updatedFields: ["count"], records: rows });
});

it("lists records that ALL_OR_NOTHING rolled back as unprocessed", async () => {
  const records = ids(1, 25).map((id) => ({ id, data: { count: id === "17" ? 5000 : 1 } }));
  const { id } = await engine.launched({
    operation: "UPDATE_EACH",
    records,
    options: { mode: "ASYNC", errorPolicy: "ALL_OR_NOTHING" },
  });
  await engine.settled(id);
  const results = await recordsOf(id);
  expect(results.filter(({ outcome }) => outcome === "FAILED").map((record) => record.id)).toEqual(["17"]);
  expect(results.filter(({ outcome }) => outcome === "UNPROCESSED")).toHaveLength(24);
});

it("lists a running task's records with their results so far", async () => {
  const release = await holdRecord(engine, 15);
  const { id } = await engine.launched({
    operation: "UPDATE",
    change: { count: { increment: 1 } },
    selection: { ids: ids(1, 40) },
    options: SKIP_FAILED,
  });
  const written = async (): Promise<number> => (await engine.task(id)).progress.processed;
  for await (const task of engine.feed.watch(id)) {
    if (task.progress.processed === 30) {
      break;
    }
  }
  expect(await written()).toBe(30);
  const records = await recordsOf(id);
  expect(records.map((record) => record.id)).toEqual(ids(1, 40));
  expect(records.filter(({ outcome }) => outcome === "UNPROCESSED").map((record) => record.id)).toEqual(
    ids(11, 20),
  );
  await release();
  expect(await outcomesOf(await engine.settled(id))).toEqual({ SUCCEEDED: ids(1, 40) });
});

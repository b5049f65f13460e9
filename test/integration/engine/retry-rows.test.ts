import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BulkRequest, BulkTarget } from "../../../src/core/bulk/bulk-request.ts";
import type { LaunchOptions } from "../../../src/core/tasks/launch-options.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, createHeldThings } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { idsFrom } from "../../support/ids-from.ts";
import { emptying } from "../../support/empty-tables.ts";

let engine: EngineFixture;
const { hold, releaseAll } = createHeldThings(() => engine);

beforeAll(async () => {
  engine = await createEngineFixture({ chunkRecords: 50 });
});
afterAll(() => engine.stop());
afterEach(releaseAll);
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing, label", { isIdentityRestarted: true }));
  await insertThings(engine.session, 200);
  await engine.pool.query("INSERT INTO label (name) VALUES ('red'), ('green')");
});

async function run(target: Partial<BulkRequest> & Pick<BulkTarget, "operation">): Promise<Task> {
  const options = { mode: "ASYNC", errorPolicy: "SKIP_FAILED" } as const;
  return engine.settled((await engine.launched({ ...target, options })).id);
}

async function retried(task: Task, options: LaunchOptions = {}): Promise<Task> {
  const outcome = await engine.retry({ taskId: task.id, viewer: { id: null }, options });
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(`the retry was refused: ${outcome.kind} ${outcome.message}`);
  }
  return engine.settled(outcome.task.id);
}

async function countsOf(ids: readonly string[]): Promise<Record<string, number>> {
  const rows = await engine.session.query<{ id: number; count: number }>(
    "SELECT id, count FROM thing WHERE id = ANY ($1::int[])",
    [ids],
  );
  return Object.fromEntries(rows.map(({ id, count }) => [id, count]));
}

describe("retrying an operation on a list", () => {
  const texts = ["", "plain", "\u0001\u0002\u0003", "a\u0001b", "{},\"'\\", "NULL", "😀", "\n"];

  it("writes each record's original values, including unusual texts", async () => {
    const records = idsFrom(1, 120).map((id, at) => ({
      id,
      data: {
        name: `${texts[at % texts.length]} ${at}`,
        count: at % 10 === 3 ? 5000 : 700,
        ...(at % 2 === 0 ? { ownerId: at % 4 === 0 ? null : 2, labels: { set: ["1", "2"] } } : {}),
      },
    }));
    const first = await run({ operation: "UPDATE_EACH", records });
    expect(first).toMatchObject({ status: "PARTIAL", progress: { succeeded: 108, failed: 12 } });
    await engine.pool.query("ALTER TABLE thing DROP CONSTRAINT count_below_thousand");
    await engine.pool.query("UPDATE thing SET untouched = 'since' WHERE count = 700");
    try {
      const second = await retried(first);
      expect(second).toMatchObject({
        kind: "bulkUpdateEach",
        status: "SUCCEEDED",
        progress: { total: 12, succeeded: 12 },
      });
      const rows = await engine.session.query(
        `SELECT id, name, count, owner_id, (SELECT count(*)::int FROM "_LabelToThing" l WHERE l."B" = thing.id) AS labels
         FROM thing WHERE count = 5000 ORDER BY id`,
      );
      const failed = records.flatMap(({ id, data }, at) => (data.count === 5000 ? [{ id, data, at }] : []));
      expect(rows).toEqual(
        failed.map(({ id, data, at }) => ({
          id: Number(id),
          name: data.name,
          count: 5000,
          owner_id: null,
          labels: at % 2 === 0 ? 2 : 0,
        })),
      );
    } finally {
      await engine.pool.query("DELETE FROM thing WHERE count >= 1000");
      await engine.pool.query("ALTER TABLE thing ADD CONSTRAINT count_below_thousand CHECK (count < 1000)");
    }
  });

  it("keeps each record's nulls, links and expected state", async () => {
    const old = "2019-01-01T00:00:00.000Z";
    const records = [
      { id: "1", data: { ownerId: null, labels: { add: ["2"] } }, expectedUpdatedAt: old },
      { id: "2", data: { ownerId: 2, labels: { add: ["1"] } }, expectedUpdatedAt: old },
      { id: "3", data: { ownerId: 1, labels: { add: ["1"] } } },
    ];
    await engine.pool.query("UPDATE thing SET owner_id = 1");
    const first = await run({ operation: "UPDATE_EACH", records });
    expect(first.progress).toMatchObject({ succeeded: 1, failed: 2 });
    await engine.pool.query("UPDATE thing SET updated_at = '2019-01-01' WHERE id = 1");
    const second = await retried(first);
    expect(second.progress).toMatchObject({ total: 2, succeeded: 1, failed: 1 });
    expect(await engine.ports.tasks.errors(second.id, 0, 10)).toMatchObject([
      { recordId: "2", code: "STALE_RECORD", index: 1 },
    ]);
    expect(
      await engine.session.query(
        `SELECT id, owner_id, (SELECT array_agg(l."A") FROM "_LabelToThing" l WHERE l."B" = thing.id) AS labels
         FROM thing WHERE id < 4 ORDER BY id`,
      ),
    ).toEqual([
      { id: 1, owner_id: null, labels: [2] },
      { id: 2, owner_id: 1, labels: null },
      { id: 3, owner_id: 1, labels: [1] },
    ]);
  });

  it("creates under the same ids, and upserts either way", async () => {
    const created = await run({
      operation: "CREATE",
      records: [
        { id: 1001, name: "thing 5", count: 1 },
        { id: 1002, name: "new", count: 2 },
      ],
    });
    await engine.pool.query("DELETE FROM thing WHERE id = 5");
    expect(await retried(created)).toMatchObject({
      kind: "bulkCreate",
      progress: { total: 1, succeeded: 1 },
    });
    expect(await countsOf(["1001", "1002"])).toEqual({ 1001: 1, 1002: 2 });
    const upserted = await run({
      operation: "UPSERT",
      records: ["7", "2007"].map((id) => ({
        id,
        create: { name: "thing 8", count: 7 },
        update: { name: "thing 8" },
      })),
    });
    expect(upserted.progress).toMatchObject({ failed: 2 });
    await engine.pool.query("DELETE FROM thing WHERE id IN (7, 8)");
    expect(await retried(upserted)).toMatchObject({
      kind: "bulkUpsert",
      progress: { total: 2, succeeded: 1, failed: 1 },
    });
  });

  it("leaves out the records that SKIP leaves out, and keeps the values of the rest", async () => {
    const records = idsFrom(1, 10).map((id) => ({ id, data: { count: 5000 + Number(id) } }));
    const first = await run({ operation: "UPDATE_EACH", records });
    await engine.pool.query("ALTER TABLE thing DROP CONSTRAINT count_below_thousand");
    const letGo = await hold(3);
    const holder = await engine.launched({
      operation: "UPDATE",
      change: { state: { set: "OFF" } },
      selection: { ids: ["3", "4"] },
      options: { mode: "ASYNC" },
    });
    try {
      const second = await retried(first, { onConflict: "SKIP" });
      expect(second.progress).toMatchObject({ total: 10, succeeded: 8, skipped: 2 });
      expect(await countsOf(["2", "3", "4", "10"])).toEqual({ 2: 5002, 3: 3, 4: 4, 10: 5010 });
    } finally {
      await letGo();
      await engine.settled(holder.id);
      await engine.pool.query("DELETE FROM thing WHERE count >= 1000");
      await engine.pool.query("ALTER TABLE thing ADD CONSTRAINT count_below_thousand CHECK (count < 1000)");
    }
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BulkRequest } from "../../../src/core/bulk/bulk-request.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture({ chunkRecords: 50 });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing, label", { isIdentityRestarted: true }));
  await insertThings(engine.session, 200);
  await engine.pool.query("INSERT INTO label (name) VALUES ('red'), ('green'), ('blue')");
});

type Rows = Extract<BulkRequest, { readonly records: unknown }>;

async function run(
  request: Pick<Rows, "operation" | "records">,
  options: object = SKIP_FAILED,
): Promise<Task> {
  const task = await engine.launched({ options, ...request } as Parameters<EngineFixture["launched"]>[0]);
  return engine.settled(task.id);
}

async function things(condition: string): Promise<readonly Record<string, unknown>[]> {
  return engine.session.query(
    `SELECT id, name, count, state::text, owner_id, untouched, updated_at > '2021-01-01' AS is_touched,
            (SELECT array_agg(l."A" ORDER BY l."A") FROM "_LabelToThing" l WHERE l."B" = thing.id) AS labels
       FROM thing WHERE ${condition} ORDER BY id`,
  );
}

/** The task's errors by record id, since chunks are written at the same time. */
async function errors(task: Task): Promise<readonly unknown[]> {
  const found = await engine.ports.tasks.errors(task.id, 0, 1000);
  return found.toSorted((a, b) => Number(a.recordId) - Number(b.recordId));
}

describe("bulk update each", () => {
  it("writes to each record its own values, and nothing else", async () => {
    const records = Array.from({ length: 120 }, (_, at) => ({
      id: String(at + 1),
      data: at % 2 === 0 ? { count: at } : { name: `new ${at}`, ownerId: at === 1 ? null : 2, state: "OFF" },
    }));
    const task = await run({ operation: "UPDATE_EACH", records });
    expect(task).toMatchObject({
      status: "SUCCEEDED",
      progress: { total: 120, succeeded: 120, failed: 0, skipped: 0 },
    });
    expect(await things("id IN (1, 2, 3, 4, 121)")).toMatchObject([
      { id: 1, name: "thing 1", count: 0, state: "ON", untouched: "as it was", is_touched: true },
      { id: 2, name: "new 1", count: 2, state: "OFF", owner_id: null, is_touched: true },
      { id: 3, name: "thing 3", count: 2, is_touched: true },
      { id: 4, name: "new 3", count: 4, owner_id: 2, is_touched: true },
      { id: 121, name: "thing 121", count: 21, is_touched: false },
    ]);
  });

  it("stores any text unchanged, and distinguishes empty from null", async () => {
    const names = ["", " ", "\u0001\u0002\u0003", "a\u0001b", "{},\"'\\", "NULL", "\n", "😀", "é"];
    const records = names.map((name, at) => ({ id: String(at + 1), data: { name } }));
    expect(await run({ operation: "UPDATE_EACH", records })).toMatchObject({ status: "SUCCEEDED" });
    expect((await things("id < 10")).map(({ name }) => name)).toEqual(names);
  });

  it("changes no record that is no longer as expected, and reports its id and index", async () => {
    const [{ at } = { at: "" }] = await engine.session.query<{ at: string }>(
      'SELECT to_char(updated_at, \'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\') AS at FROM thing WHERE id = 1',
    );
    const records = [
      { id: "1", data: { count: 500 }, expectedUpdatedAt: at },
      { id: "2", data: { count: 500 }, expectedUpdatedAt: "2019-01-01T00:00:00Z" },
      { id: "999", data: { count: 500 }, expectedUpdatedAt: at },
      { id: "3", data: { count: 500 } },
    ];
    const task = await run({ operation: "UPDATE_EACH", records });
    expect(task).toMatchObject({
      status: "PARTIAL",
      progress: { succeeded: 2, failed: 1, skipped: 1 },
    });
    expect(await errors(task)).toMatchObject([
      { recordId: "2", outcome: "FAILED", code: "STALE_RECORD", index: 1 },
      { recordId: "999", outcome: "SKIPPED", code: "RECORD_MISSING", index: 2 },
    ]);
    expect((await things("id < 4")).map(({ count }) => count)).toEqual([500, 2, 500]);
    const whole = await run(
      { operation: "UPDATE_EACH", records: records.slice(1, 2) },
      { errorPolicy: "ALL_OR_NOTHING", mode: "ASYNC" },
    );
    expect(whole).toMatchObject({ status: "FAILED", progress: { succeeded: 0, failed: 1 } });
    expect(await errors(whole)).toMatchObject([{ recordId: "2", code: "STALE_RECORD" }]);
  });

  it("reports failing records by their indexes, and writes the others", async () => {
    const records = Array.from({ length: 100 }, (_, at) => ({
      id: String(at + 1),
      data: { count: at === 17 || at === 60 ? 5000 : at },
    }));
    const task = await run({ operation: "UPDATE_EACH", records });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 98, failed: 2 } });
    expect(await errors(task)).toMatchObject([
      { recordId: "18", code: "CONSTRAINT_VIOLATED", index: 17 },
      { recordId: "61", code: "CONSTRAINT_VIOLATED", index: 60 },
    ]);
  });
});

describe("bulk create", () => {
  it("writes new records with their links, and fills in omitted values", async () => {
    const records = Array.from({ length: 120 }, (_, at) => ({
      id: 1000 + at,
      name: `made ${at}`,
      count: at,
      ...(at % 2 === 0 ? { labels: { add: ["1", "3"] } } : { state: "OFF" }),
    }));
    const task = await run({ operation: "CREATE", records });
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 120 } });
    expect(await things("id IN (1000, 1001, 1119)")).toMatchObject([
      { id: 1000, name: "made 0", count: 0, state: "ON", labels: [1, 3], untouched: "as it was" },
      { id: 1001, name: "made 1", count: 1, state: "OFF", labels: null, is_touched: true },
      { id: 1119, name: "made 119" },
    ]);
  });

  it("generates omitted keys before the write, so that errors can name them", async () => {
    const records = ["x", "red", "z"].map((name) => ({ name }));
    const task = await engine.launched({
      model: "Label",
      operation: "CREATE",
      records,
      options: SKIP_FAILED,
    });
    expect(await engine.settled(task.id)).toMatchObject({ status: "PARTIAL" });
    expect(await engine.session.query("SELECT id, name FROM label WHERE id > 3 ORDER BY id")).toEqual([
      { id: 4, name: "x" },
      { id: 6, name: "z" },
    ]);
    expect(await errors(task)).toMatchObject([
      { recordId: "5", code: "CONSTRAINT_VIOLATED", field: "name", index: 1 },
    ]);
  });

  it("fails for taken keys, and leaves those records unchanged", async () => {
    const records = [
      { id: 7, name: "again", count: 1 },
      { id: 700, name: "fresh", count: 1 },
    ];
    const task = await run({ operation: "CREATE", records });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 1, failed: 1 } });
    expect(await things("id IN (7, 700)")).toMatchObject([{ name: "thing 7" }, { name: "fresh" }]);
  });
});

describe("bulk upsert", () => {
  it("creates missing records, and updates existing ones", async () => {
    const records = Array.from({ length: 110 }, (_, at) => ({
      id: String(150 + at),
      create: { name: `made ${at}`, count: 1, labels: { add: ["2"] } },
      update: { count: 900, labels: { add: ["1"] } },
    }));
    const task = await run({ operation: "UPSERT", records });
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 110 } });
    expect(await things("id IN (149, 150, 200, 201, 259)")).toMatchObject([
      { id: 149, count: 49, labels: null },
      { id: 150, name: "thing 150", count: 900, labels: [1] },
      { id: 200, name: "thing 200", count: 900, labels: [1] },
      { id: 201, name: "made 51", count: 1, labels: [2] },
      { id: 259, name: "made 109", count: 1, labels: [2] },
    ]);
  });

  it("leaves an existing record unchanged when the update is empty", async () => {
    const records = ["1", "300"].map((id) => ({ id, create: { name: `made ${id}`, count: 1 }, update: {} }));
    expect(await run({ operation: "UPSERT", records })).toMatchObject({ progress: { succeeded: 2 } });
    expect((await things("id IN (1, 300)")).map(({ name }) => name)).toEqual(["thing 1", "made 300"]);
  });
});

describe("links in bulk", () => {
  const linked = async (): Promise<unknown> =>
    (await things("id IN (1, 2, 3, 60)")).map(({ labels }) => labels);

  it("are added, removed and replaced set by set", async () => {
    const change = async (labels: object): Promise<void> => {
      const task = await engine.launched({
        operation: "UPDATE",
        change: { labels, count: { set: 3 } },
        selection: { ids: ["1", "2", "60"] },
        options: SKIP_FAILED,
      });
      expect(await engine.settled(task.id)).toMatchObject({
        status: "SUCCEEDED",
        progress: { succeeded: 3 },
      });
    };
    await change({ add: ["1", "2"] });
    expect(await linked()).toEqual([[1, 2], [1, 2], null, [1, 2]]);
    await change({ add: ["3"], remove: ["1"] });
    expect(await linked()).toEqual([[2, 3], [2, 3], null, [2, 3]]);
    await change({ set: ["1", "3"] });
    expect(await linked()).toEqual([[1, 3], [1, 3], null, [1, 3]]);
    await change({ set: [] });
    expect(await linked()).toEqual([null, null, null, null]);
  });

  it("are changed for each record on its own", async () => {
    await engine.pool.query(`INSERT INTO "_LabelToThing" VALUES (1, 1), (2, 1), (1, 2)`);
    const records = [
      { id: "1", data: { labels: { set: ["3"] } } },
      { id: "2", data: { labels: { remove: ["1"] } } },
      { id: "3", data: { labels: { add: ["1", "2"] } } },
    ];
    expect(await run({ operation: "UPDATE_EACH", records })).toMatchObject({ status: "SUCCEEDED" });
    expect(await linked()).toEqual([[3], null, [1, 2], null]);
  });

  it("with missing records are refused at the launch, naming field and record", async () => {
    const refused = await engine.launch({
      operation: "UPDATE",
      change: { labels: { add: ["1", "77"] } },
      selection: { ids: ["1"] },
    });
    expect(refused).toMatchObject({
      kind: "INVALID",
      problems: [{ field: "labels", message: expect.stringContaining("Label 77") }],
    });
  });
});

describe("lists of records", () => {
  it.each<[string, Pick<Rows, "operation" | "records">, RegExp]>([
    ["are not empty", { operation: "CREATE", records: [] }, /no records/],
    [
      "name each record once",
      {
        operation: "UPDATE_EACH",
        records: [
          { id: "1", data: { count: 1 } },
          { id: "01", data: { count: 2 } },
        ],
      },
      /records\.1\.id: Thing 1 is in records\.0 already/,
    ],
    [
      "hold values that fit",
      { operation: "UPDATE_EACH", records: [{ id: "1", data: { count: "many" } }] },
      /records\.0\.data\.count: Thing\.count: "many" is not a whole number/,
    ],
    [
      "name fields that are there",
      { operation: "UPSERT", records: [{ id: "1", create: { name: "x", count: 1 }, update: { colour: 1 } }] },
      /records\.0\.update\.colour/,
    ],
    [
      "hold what a new record needs",
      { operation: "CREATE", records: [{ id: 1, name: "x" }] },
      /data\.0\.count/,
    ],
    [
      "name new keys once",
      {
        operation: "CREATE",
        records: [
          { id: 800, name: "x", count: 1 },
          { id: 800, name: "y", count: 1, state: "ON" },
        ],
      },
      /data\.1: Thing 800 is in data\.0 too/,
    ],
  ])("%s", async (_name, request, message) => {
    const refused = await engine.launch(request as Parameters<EngineFixture["launch"]>[0]);
    expect(refused).toMatchObject({ kind: "INVALID", message: expect.stringMatching(message) });
  });

  it("are refused above the service's limit", async () => {
    const small = await createEngineFixture({ bulkMaxRecords: 2 });
    const records = [1, 2, 3].map((id) => ({ id: 900 + id, name: `n${id}`, count: 1 }));
    expect(await small.launch({ operation: "CREATE", records })).toMatchObject({
      kind: "LIMIT",
      limit: 2,
      matched: 3,
    });
    await small.stop();
  });
});

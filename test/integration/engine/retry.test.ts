import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BulkRequest, BulkTarget } from "../../../src/core/bulk/bulk-request.ts";
import { canRetry } from "../../../src/core/bulk/retry-task.ts";
import type { RetryRequest } from "../../../src/core/bulk/retry-task.ts";
import type { Viewer } from "../../../src/core/access/viewer.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import { createEngineFixture, createHeldThings } from "../../support/engine-fixture.ts";
import { insertThings, thingsChangeableIn } from "../../support/thing-fixture.ts";
import { idsFrom } from "../../support/ids-from.ts";
import { emptying } from "../../support/empty-tables.ts";

const ANONYMOUS: Viewer = { id: null };
const SKIP_FAILED = { errorPolicy: "SKIP_FAILED" } as const;

let engine: EngineFixture;
const { hold, releaseAll } = createHeldThings(() => engine);
/** The fields that may be changed in bulk; undefined for all. */
let allowed: readonly string[] | undefined;

beforeAll(async () => {
  engine = await createEngineFixture({
    models: thingsChangeableIn((field) => allowed?.includes(field) !== false),
    chunkRecords: 50,
    bulkMaxRecords: 500,
    modelOptions: {
      Thing: {
        access: ({ viewer: { id } }) => (id === "narrow" ? { tenant: { equals: "b" } } : true),
      },
    },
  });
});
afterAll(() => engine.stop());
afterEach(releaseAll);
beforeEach(async () => {
  allowed = undefined;
  await engine.pool.query(emptying("part, seal, thing, label", { isIdentityRestarted: true }));
  await insertThings(engine.session, 200);
  await engine.pool.query("INSERT INTO label (name) VALUES ('red'), ('green')");
});

type Target = Partial<BulkRequest> & Pick<BulkTarget, "operation">;

async function run(target: Target, options: BulkRequest["options"] = SKIP_FAILED): Promise<Task> {
  return engine.settled((await engine.launched({ ...target, options: { mode: "ASYNC", ...options } })).id);
}

async function retried(
  task: Task,
  parts: Omit<RetryRequest, "taskId" | "viewer"> & { readonly viewer?: Viewer } = {},
): Promise<Task> {
  const outcome = await engine.retry({ taskId: task.id, viewer: ANONYMOUS, ...parts });
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

/** A task that is cancelled while it writes its first two chunks of 50, before the others. */
async function cancelledOnTheWay(target: Target): Promise<Task> {
  const [letGo, releaseOther] = [await hold(1), await hold(51)];
  const { id } = await engine.launched({ ...target, options: SKIP_FAILED });
  await untilWaiting(engine.session, { count: 2 });
  await cancelTask(engine.ports, { taskId: id, viewer: ANONYMOUS });
  await letGo();
  await releaseOther();
  return engine.settled(id);
}

const INCREMENT = {
  operation: "UPDATE",
  change: { count: { increment: 901 } },
  // Things 99 and 199 exceed the limit of 999.
  selection: { ids: [...idsFrom(91, 20), ...idsFrom(191, 10), "999"] },
} as const satisfies Target;

describe("retrying what failed", () => {
  it("writes only failed records, in a task that names the first and has its policy", async () => {
    const first = await run(INCREMENT, { ...SKIP_FAILED, label: "prices" });
    expect(first).toMatchObject({ status: "PARTIAL", progress: { succeeded: 28, failed: 2, skipped: 1 } });
    expect(canRetry(first)).toBe(true);
    await engine.pool.query("UPDATE thing SET count = 0 WHERE id = 99");
    const before = await countsOf(idsFrom(1, 200));
    const second = await retried(first, { records: "FAILED" });
    expect(second).toMatchObject({
      kind: "bulkUpdate",
      model: "Thing",
      label: "retry of prices",
      errorPolicy: "SKIP_FAILED",
      retryOf: first.id,
      input: first.input,
      status: "PARTIAL",
      progress: { total: 2, succeeded: 1, failed: 1, skipped: 0 },
    });
    expect(await countsOf(idsFrom(1, 200))).toEqual({ ...before, 99: 901 });
    const retries = await engine.ports.tasks.retries([first.id]);
    expect(retries.get(first.id)?.map(({ id }) => id)).toEqual([second.id]);
    await engine.pool.query("UPDATE thing SET count = 1 WHERE id = 199");
    const third = await retried(second);
    expect(third).toMatchObject({
      status: "SUCCEEDED",
      retryOf: second.id,
      progress: { total: 1, succeeded: 1 },
    });
    expect(third.label).toBe("retry of retry of prices");
    expect(canRetry(third)).toBe(false);
  });

  it("takes the caller's options instead", async () => {
    const first = await run(INCREMENT);
    const options = { errorPolicy: "ALL_OR_NOTHING", label: "mine", mode: "SYNC" } as const;
    expect(await retried(first, { options })).toMatchObject({
      label: "mine",
      errorPolicy: "ALL_OR_NOTHING",
      status: "FAILED",
    });
    expect(
      await engine.retry({ taskId: first.id, viewer: ANONYMOUS, options: { maxAffected: 1 } }),
    ).toMatchObject({
      kind: "LIMIT",
      limit: 1,
      matched: 2,
    });
    expect(await retried(first, { options: { dryRun: true } })).toMatchObject({
      isDryRun: true,
      status: "FAILED",
    });
  });

  it("of ALL_OR_NOTHING may write the failed ones, the others, or all", async () => {
    const first = await run(INCREMENT, { errorPolicy: "ALL_OR_NOTHING" });
    // The task names the failures of the first chunk that has any.
    expect(first).toMatchObject({ status: "FAILED", progress: { total: 31, succeeded: 0, failed: 2 } });
    const before = await countsOf(idsFrom(1, 200));
    const others = await retried(first, { records: "UNPROCESSED" });
    expect(others).toMatchObject({ status: "SUCCEEDED", progress: { total: 29, succeeded: 28, skipped: 1 } });
    expect(await countsOf(["91", "99", "199"])).toEqual({ 91: (before[91] ?? 0) + 901, 99: 99, 199: 99 });
    await engine.pool.query("UPDATE thing SET count = id % 98 WHERE id IN (91, 99, 199)");
    expect(await retried(first, { records: "FAILED" })).toMatchObject({
      progress: { total: 2, succeeded: 2 },
    });
  });

  it("writes all records of a failed ALL_OR_NOTHING task in one transaction", async () => {
    const first = await run(INCREMENT, { errorPolicy: "ALL_OR_NOTHING" });
    await engine.pool.query("UPDATE thing SET count = 0 WHERE id IN (99, 199)");
    expect(await retried(first)).toMatchObject({
      status: "SUCCEEDED",
      errorPolicy: "ALL_OR_NOTHING",
      progress: { total: 31, succeeded: 30, skipped: 1 },
    });
    expect(await countsOf(["91", "99"])).toEqual({ 91: 992, 99: 901 });
  });
});

describe("retrying unprocessed records", () => {
  it("writes the rest of a cancelled task, each record once", async () => {
    const target = {
      operation: "UPDATE",
      change: { count: { increment: 1 } },
      selection: { ids: idsFrom(1, 200) },
    } as const;
    const first = await cancelledOnTheWay(target);
    expect(first.status).toBe("CANCELLED");
    const { processed } = first.progress;
    expect(processed).toBeLessThanOrEqual(100);
    const second = await retried(first, { records: "UNPROCESSED" });
    expect(second.progress).toMatchObject({ total: 200 - processed, succeeded: 200 - processed });
    const expected = idsFrom(1, 200).map((id) => [id, (Number(id) % 100) + 1]);
    expect(await countsOf(idsFrom(1, 200))).toEqual(Object.fromEntries(expected));
    expect(await engine.retry({ taskId: first.id, viewer: ANONYMOUS, records: "FAILED" })).toMatchObject({
      kind: "INVALID",
      message: `Nothing of task ${first.id} can be retried: no record of it failed.`,
      problems: [{ field: "id" }],
    });
  });

  it("writes all records of a task that was cancelled in the queue", async () => {
    const letGo = await hold(1);
    const target = { operation: "DELETE", selection: { ids: idsFrom(1, 30) } } as const;
    const holder = await engine.launched({ ...target, operation: "UPDATE", change: { count: { set: 1 } } });
    const waiting = await engine.launched({ ...target, options: { onConflict: "WAIT" } });
    await cancelTask(engine.ports, { taskId: waiting.id, viewer: ANONYMOUS });
    const first = await engine.settled(waiting.id);
    expect(canRetry(first)).toBe(true);
    expect(await engine.retry({ taskId: first.id, viewer: ANONYMOUS })).toMatchObject({
      kind: "CONFLICT",
      totalConflicts: 30,
    });
    await letGo();
    await engine.settled(holder.id);
    expect(await retried(first)).toMatchObject({ kind: "bulkDelete", progress: { succeeded: 30 } });
    expect(await countsOf(idsFrom(1, 31))).toEqual({ 31: 31 });
  });
});

describe("a retry", () => {
  it("is answered with the same unsettled retry, and with the first one under its key", async () => {
    const first = await run(INCREMENT);
    // Otherwise the database refuses them before the task waits for the row.
    await engine.pool.query("UPDATE thing SET count = 0 WHERE id IN (99, 199)");
    const letGo = await hold(99);
    const again = (options: RetryRequest["options"] = {}, records: RetryRequest["records"] = "FAILED") =>
      engine.retry({ taskId: first.id, viewer: ANONYMOUS, records, options: { mode: "ASYNC", ...options } });
    const outcomes = await Promise.all([again(), again(), again()]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["LAUNCHED", "LAUNCHED", "LAUNCHED"]);
    const tasks = outcomes.flatMap((outcome) => (outcome.kind === "LAUNCHED" ? [outcome] : []));
    expect(new Set(tasks.map(({ task }) => task.id)).size).toBe(1);
    expect(tasks.filter(({ isDuplicate }) => isDuplicate)).toHaveLength(2);
    expect(await again({}, "FAILED_AND_UNPROCESSED")).toMatchObject({ kind: "CONFLICT" });
    await letGo();
    await engine.settled(tasks[0]?.task.id ?? "");
    const keyed = await again({ idempotencyKey: "r" });
    expect(keyed).toMatchObject({ kind: "LAUNCHED", isDuplicate: false });
    expect(await again({ idempotencyKey: "r" })).toMatchObject({ kind: "LAUNCHED", isDuplicate: true });
    const other = await again({ idempotencyKey: "r" }, "UNPROCESSED");
    expect(other).toMatchObject({ kind: "IDEMPOTENCY_MISMATCH" });
    await engine.settled((keyed as Extract<typeof keyed, { kind: "LAUNCHED" }>).task.id);
  });

  it("is within the scope of its viewer", async () => {
    await engine.pool.query("UPDATE thing SET tenant = 'b' WHERE id = 99");
    const first = await run(INCREMENT);
    await engine.pool.query("UPDATE thing SET count = 0 WHERE id IN (99, 199)");
    const second = await retried(first, { viewer: { id: "narrow" } });
    expect(second).toMatchObject({
      viewer: { id: "narrow" },
      progress: { total: 2, succeeded: 1, failed: 0, skipped: 1 },
    });
    expect(await countsOf(["99", "199"])).toEqual({ 99: 901, 199: 0 });
  });

  it("is refused if the rules no longer allow the change", async () => {
    const first = await run(INCREMENT);
    const each = await run({ operation: "UPDATE_EACH", records: [{ id: "1", data: { count: 5000 } }] });
    allowed = ["name"];
    for (const { id } of [first, each]) {
      expect(await engine.retry({ taskId: id, viewer: ANONYMOUS })).toMatchObject({
        kind: "INVALID",
        message: expect.stringMatching(/count cannot be changed in bulk/),
      });
    }
  });

  it("is refused for links to records that no longer exist", async () => {
    const first = await run({
      operation: "UPDATE",
      change: { count: { set: 5000 }, labels: { add: ["1"] } },
      selection: { ids: ["1"] },
    });
    await engine.pool.query("DELETE FROM label WHERE id = 1");
    expect(await engine.retry({ taskId: first.id, viewer: ANONYMOUS })).toMatchObject({
      kind: "INVALID",
      problems: [{ field: "labels", message: "labels: there is no Label 1." }],
    });
  });

  it("is refused for a task that is unsettled, changed everything, was a dry run, or does not exist", async () => {
    const letGo = await hold(1);
    const target = {
      operation: "UPDATE",
      change: { count: { set: 5 } },
      selection: { ids: idsFrom(1, 30) },
    } as const;
    const running = await engine.launched(target);
    const again = (taskId: string) => engine.retry({ taskId, viewer: ANONYMOUS });
    expect(canRetry(running)).toBe(false);
    expect(await again(running.id)).toMatchObject({
      kind: "INVALID",
      message: expect.stringMatching(/ is (PENDING|RUNNING); only a settled task can be retried\.$/),
    });
    await letGo();
    const done = await engine.settled(running.id);
    expect(canRetry(done)).toBe(false);
    expect(await again(done.id)).toMatchObject({
      kind: "INVALID",
      message: `Nothing of task ${done.id} can be retried: it reached all of its records, and none failed.`,
    });
    const tried = await run(INCREMENT, { ...SKIP_FAILED, dryRun: true });
    expect(canRetry(tried)).toBe(false);
    expect(await again(tried.id)).toMatchObject({
      kind: "INVALID",
      message: `Task ${tried.id} was a dry run and changed nothing, so nothing of it can be retried. Launch the operation itself.`,
    });
    const missing = "0195f8f0-0000-7000-8000-00000000000a";
    expect(await again(missing)).toEqual({ kind: "MISSING", message: `There is no task ${missing}.` });
  });
});

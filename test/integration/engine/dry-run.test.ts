import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BulkRequest, BulkTarget } from "../../../src/core/bulk/bulk-request.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import type { TaskError } from "../../../src/core/tasks/task-error.ts";
import type { ErrorPolicy, Task } from "../../../src/core/tasks/task.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, createHeldThings } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { idsFrom } from "../../support/ids-from.ts";
import { emptying } from "../../support/empty-tables.ts";

let engine: EngineFixture;
const { hold, releaseAll } = createHeldThings(() => engine);

beforeAll(async () => {
  engine = await createEngineFixture({
    chunkRecords: 50,
    tasks: [
      defineTask({ kind: "custom", run: async () => undefined }),
      defineTask({
        kind: "tryable",
        isDryRunnable: true,
        run: async ({ isDryRun }) => ({ isDryRun }),
      }),
    ],
  });
});
afterAll(() => engine.stop());
afterEach(releaseAll);
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing, label", { isIdentityRestarted: true }));
  await insertThings(engine.session, 200);
  await engine.pool.query("INSERT INTO label (name) VALUES ('red'), ('green')");
});

type Target = Partial<BulkRequest> & Pick<BulkTarget, "operation">;

async function run(target: Target, options: BulkRequest["options"]): Promise<Task> {
  return engine.settled((await engine.launched({ ...target, options: { mode: "ASYNC", ...options } })).id);
}

/** All data that a bulk operation could have changed. */
async function state(): Promise<unknown> {
  const things = await engine.session.query("SELECT * FROM thing ORDER BY id");
  return [things, await engine.session.query('SELECT * FROM "_LabelToThing" ORDER BY 1, 2')];
}

/** Errors by record id, since a real run writes chunks at the same time. */
async function errorsOf({ id }: Task): Promise<readonly Partial<TaskError>[]> {
  const found = await engine.ports.tasks.errors(id, 0, 10_000);
  return found
    .map(({ position: _position, ...rest }) => rest)
    .toSorted((a, b) => Number(a.recordId) - Number(b.recordId));
}

const outcomeOf = ({ status, progress }: Task): unknown => {
  const { total, processed, succeeded, failed, skipped } = progress;
  return { status, total, processed, succeeded, failed, skipped };
};

const things = (from: number, count: number, values: object): { id: string; data: object }[] =>
  idsFrom(from, count).map((id) => ({ id, data: values }));

/** Where possible, each changes, fails and misses at least one record. */
const TARGETS: readonly { readonly name: string; readonly target: Target }[] = [
  {
    name: "UPDATE",
    // Every hundredth thing exceeds the limit of `count`.
    target: {
      operation: "UPDATE",
      change: { count: { increment: 901 } },
      selection: { ids: idsFrom(60, 160) },
    },
  },
  {
    name: "UPDATE over links",
    target: {
      operation: "UPDATE",
      change: { labels: { add: ["1"] }, state: { set: "OFF" } },
      selection: { ids: idsFrom(1, 120) },
    },
  },
  { name: "DELETE", target: { operation: "DELETE", selection: { ids: idsFrom(100, 120) } } },
  {
    name: "CREATE",
    target: {
      operation: "CREATE",
      // Duplicate names are within one chunk or among existing things: of two in different chunks either could fail.
      records: idsFrom(1000, 120).map((id, at) => ({
        id: Number(id),
        name: at === 7 ? "thing 7" : `made ${at === 21 ? 20 : at}`,
        count: at,
        labels: { add: ["2"] },
      })),
    },
  },
  {
    name: "UPDATE_EACH",
    target: {
      operation: "UPDATE_EACH",
      records: [
        ...things(1, 60, { count: 1 }),
        { id: "61", data: { count: 5000 } },
        { id: "62", data: { count: 1 }, expectedUpdatedAt: "2019-01-01T00:00:00Z" },
        ...things(190, 20, { state: "OFF", labels: { set: ["1", "2"] } }),
      ],
    } as Target,
  },
  {
    name: "UPSERT",
    target: {
      operation: "UPSERT",
      records: idsFrom(150, 100).map((id) => ({
        id,
        create: { name: `thing ${Number(id) % 210}`, count: 1 },
        update: { count: 2 },
      })),
    },
  },
];
const POLICIES: readonly ErrorPolicy[] = ["ALL_OR_NOTHING", "SKIP_FAILED"];

describe("a dry run", () => {
  beforeEach(() => engine.pool.query("INSERT INTO part VALUES (1, 150)"));

  it.each(TARGETS.flatMap((one) => POLICIES.map((errorPolicy) => ({ ...one, errorPolicy }))))(
    "of $name with $errorPolicy reports the result of the real run, and changes nothing",
    async ({ target, errorPolicy }) => {
      const before = await state();
      const tried = await run(target, { errorPolicy, dryRun: true });
      expect(await state()).toEqual(before);
      expect(tried.message).toMatch(/^Dry run: nothing was changed\. /);
      const done = await run(target, { errorPolicy });
      expect(outcomeOf(tried)).toEqual(outcomeOf(done));
      expect(await errorsOf(tried)).toEqual(await errorsOf(done));
      expect([tried.isDryRun, done.isDryRun]).toEqual([true, false]);
      expect(await lockOwners(engine.session)).toEqual([]);
    },
  );

  it("says in its message what would have been changed", async () => {
    const target = {
      operation: "UPDATE",
      change: { count: { increment: 901 } },
      selection: { ids: [...idsFrom(97, 4), "999"] },
    } as const;
    expect(await run(target, { errorPolicy: "SKIP_FAILED", dryRun: true })).toMatchObject({
      status: "PARTIAL",
      message:
        "Dry run: nothing was changed. Of 5 records 3 would have been written, 1 would have failed, and 1 would have been skipped.",
    });
    const one = { ...target, selection: { ids: ["999"] } };
    expect(await run(one, { errorPolicy: "SKIP_FAILED", dryRun: true })).toMatchObject({
      message: "Dry run: nothing was changed. The only record would have been skipped.",
    });
    expect(await run(target, { dryRun: true })).toMatchObject({
      status: "FAILED",
      message: expect.stringMatching(
        /^Dry run: nothing was changed\. The task would have failed: Record 99: .*count/,
      ),
    });
  });

  it("is refused if another task holds a record, and counts the records that SKIP leaves out", async () => {
    const letGo = await hold(1);
    const holder = await engine.launched({
      operation: "UPDATE",
      change: { count: { increment: 1 } },
      selection: { ids: idsFrom(1, 30) },
    });
    const target = {
      operation: "UPDATE",
      change: { count: { set: 5 } },
      selection: { ids: idsFrom(21, 30) },
    } as const;
    expect(await engine.launch({ ...target, options: { dryRun: true } })).toMatchObject({
      kind: "CONFLICT",
      totalConflicts: 10,
    });
    const tried = await run(target, { dryRun: true, onConflict: "SKIP", errorPolicy: "SKIP_FAILED" });
    expect(tried.progress).toMatchObject({ total: 30, succeeded: 20, failed: 0, skipped: 10 });
    expect(await errorsOf(tried)).toHaveLength(10);
    await letGo();
    await engine.settled(holder.id);
  });

  it("holds its records, shows its progress, and can be cancelled", async () => {
    const letGo = await hold(200);
    const before = await state();
    const target = {
      operation: "UPDATE",
      change: { count: { set: 5 } },
      selection: { ids: idsFrom(1, 200) },
    } as const;
    const { id } = await engine.launched({
      ...target,
      options: { dryRun: true, errorPolicy: "SKIP_FAILED" },
    });
    for await (const { progress } of engine.feed.watch(id)) {
      if (progress.processed > 0) {
        break;
      }
    }
    const other = await engine.launch({ operation: "DELETE", selection: { ids: ["3"] } });
    expect(other).toMatchObject({ kind: "CONFLICT", conflicts: [{ id: "3", owner: id }] });
    await cancelTask(engine.ports, { taskId: id, viewer: { id: null } });
    await letGo();
    expect(await engine.settled(id)).toMatchObject({
      status: "CANCELLED",
      message: "Cancelled: 0 of 200 records were dealt with, 200 were left as they were.",
    });
    expect(await state()).toEqual(before);
  });

  it("is run again from the start after its attempt was lost", async () => {
    const letGo = await hold(150);
    const target = {
      operation: "UPDATE",
      change: { count: { increment: 1 } },
      selection: { ids: idsFrom(1, 200) },
    } as const;
    const { id } = await engine.launched({
      ...target,
      options: { dryRun: true, errorPolicy: "SKIP_FAILED" },
    });
    for await (const { progress } of engine.feed.watch(id)) {
      if (progress.processed > 0) {
        break;
      }
    }
    // As after a killed worker: another one begins, and the first is fenced if it still runs.
    await engine.ports.queue.enqueue([{ id, attempt: 1 }]);
    for await (const { attempt } of engine.feed.watch(id)) {
      if (attempt === 2) {
        break;
      }
    }
    await letGo();
    const task = await engine.settled(id);
    expect(task).toMatchObject({ status: "SUCCEEDED", attempt: 2, progress: { succeeded: 200 } });
    expect(await errorsOf(task)).toEqual([]);
  });

  it("runs in the request if it is small", async () => {
    const task = await engine.launched({
      operation: "UPDATE",
      change: { count: { set: 5 } },
      selection: { ids: ["1"] },
      options: { dryRun: true },
    });
    expect(task).toMatchObject({ status: "SUCCEEDED", isDryRun: true, progress: { succeeded: 1 } });
  });

  it("is told to a task of the app's own, and refused where the task does not heed it", async () => {
    const options = { dryRun: true, mode: "SYNC" } as const;
    expect(await launchCustom(engine.ports, { kind: "custom", input: null, options })).toEqual({
      kind: "INVALID",
      message: "options.dryRun: custom cannot be tried without changing anything; leave it out.",
      problems: [expect.objectContaining({ field: "options.dryRun" })],
    });
    const tried = await launchCustom(engine.ports, { kind: "tryable", input: null, options });
    expect(tried).toMatchObject({ kind: "LAUNCHED", task: { isDryRun: true, result: { isDryRun: true } } });
  });
});

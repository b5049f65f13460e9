import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import { isFinal } from "../../../src/core/tasks/task-status.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { ORPHANS_AT_ONCE } from "../../support/sweep-options.ts";
import { emptying } from "../../support/empty-tables.ts";

const INCREMENT = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;
const GAVE_UP = /^Gave up after 3 attempts: /;

let engine: EngineFixture;

beforeAll(async () => {
  // setting: POWERCRUD_MAX_ATTEMPTS
  engine = await createEngineFixture({ maxAttempts: 3, chunkRecords: 20 });
  // Every transaction that writes these records fails with a serialization error.
  await engine.session.query(`
    CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$`);
});
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 60);
  await engine.session.query(`
    CREATE OR REPLACE TRIGGER lose BEFORE UPDATE ON thing FOR EACH ROW WHEN (OLD.id > 40) EXECUTE FUNCTION lose()`);
});
afterAll(() => engine.stop());

/** Resolves once the task has written its first two chunks: a sweep before that takes it away from its attempt. */
async function untilWritten(taskId: string): Promise<void> {
  const done = async (): Promise<unknown> =>
    engine.session.query(
      "SELECT count(*)::int AS n FROM powercrud.chunk WHERE task_id = $1::uuid AND status = 'DONE'",
      [taskId],
    );
  await expect.poll(done).toEqual([{ n: 2 }]);
}

/** Sweeps as services do, until the task is settled. */
async function sweptUntilSettled(taskId: string, of = engine): Promise<Task> {
  for (;;) {
    await sweep(of.ports, ORPHANS_AT_ONCE);
    const task = await of.task(taskId);
    if (isFinal(task.status)) {
      return task;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("a task whose attempts never end", () => {
  it("fails after the allowed number, with its DONE chunks counted and its records free", async () => {
    const { id } = await engine.launched({ ...INCREMENT, options: { errorPolicy: "SKIP_FAILED" } });
    await untilWritten(id);
    const task = await sweptUntilSettled(id);
    expect(task).toMatchObject({
      status: "FAILED",
      message: expect.stringMatching(GAVE_UP),
      attempt: 3,
      progress: { total: 60, succeeded: 40, failed: 0, skipped: 0 },
    });
    expect(await engine.ports.locks.heldBy(id)).toEqual([]);
  });

  it("has changed nothing under ALL_OR_NOTHING, even if its attempts reported progress", async () => {
    const { id } = await engine.launched({ ...INCREMENT, options: { errorPolicy: "ALL_OR_NOTHING" } });
    expect(await sweptUntilSettled(id)).toMatchObject({
      status: "FAILED",
      message: expect.stringMatching(GAVE_UP),
      progress: { succeeded: 0, failed: 0, skipped: 0 },
    });
  });

  it("can be retried for its unprocessed records", async () => {
    const { id } = await engine.launched({ ...INCREMENT, options: { errorPolicy: "SKIP_FAILED" } });
    await untilWritten(id);
    await sweptUntilSettled(id);
    await engine.session.query("DROP TRIGGER lose ON thing");
    const outcome = await engine.retry({ taskId: id, viewer: ANONYMOUS });
    expect(outcome).toMatchObject({ kind: "LAUNCHED" });
    const retry = outcome.kind === "LAUNCHED" ? await engine.settled(outcome.task.id) : undefined;
    expect(retry).toMatchObject({ status: "SUCCEEDED", progress: { total: 20, succeeded: 20 } });
  });
});

it("a task is tried again after the disk was full, and does all of it", async () => {
  const patient = await createEngineFixture({ chunkRecords: 20 });
  try {
    await insertThings(patient.session, 60);
    await patient.session.query(`
      CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
      CREATE TRIGGER fill BEFORE UPDATE ON thing FOR EACH ROW EXECUTE FUNCTION fill()`);
    const { id } = await patient.launched({ ...INCREMENT, options: { errorPolicy: "ALL_OR_NOTHING" } });
    const attempts = async (): Promise<number> => {
      await sweep(patient.ports, ORPHANS_AT_ONCE);
      return (await patient.task(id)).attempt;
    };
    await expect.poll(attempts, { timeout: 20_000 }).toBeGreaterThan(1);
    await patient.session.query("DROP TRIGGER fill ON thing");
    expect(await sweptUntilSettled(id, patient)).toMatchObject({
      status: "SUCCEEDED",
      progress: { succeeded: 60 },
    });
  } finally {
    await patient.stop();
  }
});

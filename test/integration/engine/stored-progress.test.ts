import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Progress } from "../../../src/core/tasks/progress.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let engine: EngineFixture;

beforeAll(async () => {
  // The lease's heartbeats come only every twenty seconds.
  engine = await createEngineFixture({ leaseMs: 60_000, chunkRecords: 50 });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 300);
});

/** The stored progress of a task that stops after its first chunks. */
async function untilMoved(taskId: string): Promise<Progress> {
  for (;;) {
    const { progress } = await engine.task(taskId);
    if (progress.processed > 0) {
      return progress;
    }
  }
}

describe("the progress of a task in one transaction", () => {
  it("can be read while it runs, even in the refusals of other launches", async () => {
    const release = await holdRecord(engine, 300);
    const task = await engine.launched({
      operation: "UPDATE",
      change: { count: { increment: 1 } },
      options: { errorPolicy: "ALL_OR_NOTHING", mode: "ASYNC" },
    });
    const moved = await withDeadline(untilMoved(task.id), 10_000, "progress in the store");
    expect(moved).toMatchObject({ total: 300, succeeded: 250, processed: 250 });
    const refused = await engine.launch({
      operation: "UPDATE",
      change: { count: { set: 0 } },
      selection: { ids: ["7"] },
    });
    expect(refused).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ heldBy: { id: task.id, progress: { processed: 250 } } }],
    });
    for await (const { progress } of engine.feed.watch(task.id)) {
      expect(progress.processed).toBe(250);
      break;
    }
    await release();
    expect((await engine.settled(task.id)).progress.succeeded).toBe(300);
  });
});

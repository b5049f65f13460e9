import { afterAll, beforeAll, expect, it } from "vitest";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture({
    isAsyncEnabled: false,
    queue: (real) => ({ ...real, enqueue: () => Promise.reject(new Error("nothing may be enqueued")) }),
  });
  await insertThings(engine.session, 60);
});
afterAll(() => engine.stop());

it.each(["AUTO", "ASYNC", "SYNC"] as const)(
  "with async disabled, mode %s runs the whole task in the request, with its events",
  async (mode) => {
    const task = await engine.launched({
      operation: "UPDATE",
      change: { count: { increment: 1 } },
      options: { mode },
    });
    expect(task).toMatchObject({ status: "SUCCEEDED", attempt: 1, progress: { total: 60, succeeded: 60 } });
    const events = await engine.ports.log.replay({ after: 0, taskIds: [task.id], limit: 10 });
    expect(events.map((event) => event.type)).toEqual(["CREATE", "START", "COMPLETE", "CLEANUP"]);
    expect(await lockOwners(engine.session)).toEqual([]);
  },
);

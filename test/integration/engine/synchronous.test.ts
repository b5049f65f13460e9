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

it.each<[string, readonly string[]]>([
  ["went well", ["1"]],
  ["skipped a record that is missing", ["1", "9999"]],
  ["found nothing to do", ["9999"]],
])("answers with the task as a reader finds it where it %s", async (_what, ids) => {
  const task = await engine.launched({
    operation: "UPDATE",
    selection: { ids },
    change: { count: { increment: 1 } },
    options: { mode: "SYNC", errorPolicy: "SKIP_FAILED", label: "a label" },
  });
  expect(task.isCleaned).toBe(true);
  expect((await engine.ports.tasks.find([task.id])).get(task.id)).toEqual(task);
});

it("answers a launch of the same records under a key that was used", async () => {
  const launch = {
    operation: "UPDATE",
    selection: { ids: ["2"] },
    change: { count: { increment: 1 } },
    options: { idempotencyKey: "once" },
  } as const;
  const [first, second] = [await engine.launch(launch), await engine.launch(launch)];
  expect(first).toMatchObject({ kind: "LAUNCHED", isDuplicate: false });
  expect(second).toMatchObject({ kind: "LAUNCHED", isDuplicate: true });
  const other = await engine.launch({ ...launch, selection: { ids: ["3"] } });
  expect(other.kind).toBe("IDEMPOTENCY_MISMATCH");
});

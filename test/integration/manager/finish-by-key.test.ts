import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { LaunchOutcome } from "../../../src/core/tasks/launch/launch-outcome.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import type { LaunchOptions } from "../../../src/core/tasks/launch-options.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let engine: EngineFixture;
let isOpen = true;
/** How a task of the kind "errand" ends. */
let ending: "FAILED" | "PARTIAL" | "SUCCEEDED" = "FAILED";
const errand = defineTask({
  kind: "errand",
  async run({ progress }) {
    if (ending === "FAILED") {
      throw new Error("it broke");
    }
    progress.add({ succeeded: 1, failed: ending === "PARTIAL" ? 1 : 0 });
  },
});

beforeAll(async () => {
  engine = await createEngineFixture({
    tasks: [errand],
    queue: (real) => ({
      ...real,
      enqueue: (tasks) => (isOpen ? real.enqueue(tasks) : Promise.resolve()),
    }),
  });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  isOpen = true;
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 20);
});

function launched(outcome: LaunchOutcome): { readonly task: Task; readonly isDuplicate: boolean } {
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(`${outcome.kind}: ${outcome.message}`);
  }
  return outcome;
}

/** Increments two things, of which thing 9 has no room for it. */
const raise = (options: LaunchOptions, ids = ["8", "9"]): Promise<LaunchOutcome> =>
  engine.launch({
    operation: "UPDATE",
    change: { count: { increment: 10 } },
    selection: { ids },
    options: { mode: "ASYNC", errorPolicy: "SKIP_FAILED", ...options },
  });

const run = (options: LaunchOptions): Promise<LaunchOutcome> =>
  engine.launchCustom({ kind: "errand", input: "milk", options: { mode: "ASYNC", ...options } });

const countOf = async (id: number): Promise<number | undefined> =>
  (await engine.session.query<{ count: number }>("SELECT count FROM thing WHERE id = $1", [id]))[0]?.count;

const FINISH = { ifUnfinished: "RETRY" } as const;

describe("a launch with the key of a task that is settled", () => {
  it("does what that task left, as its retry, and then nothing more", async () => {
    await engine.pool.query("UPDATE thing SET count = 995 WHERE id = 9");
    const key = { idempotencyKey: "raise" };
    const before = await countOf(8);
    const first = await engine.settled(launched(await raise(key)).task.id);
    expect(first).toMatchObject({ status: "PARTIAL", progress: { succeeded: 1, failed: 1 } });
    expect(launched(await raise(key))).toMatchObject({ task: { id: first.id }, isDuplicate: true });

    const second = launched(await raise({ ...key, ...FINISH }));
    expect(second).toMatchObject({ task: { retryOf: first.id }, isDuplicate: false });
    expect(await engine.settled(second.task.id)).toMatchObject({ status: "FAILED", progress: { failed: 1 } });

    await engine.pool.query("UPDATE thing SET count = 0 WHERE id = 9");
    const third = launched(await raise({ ...key, ...FINISH }));
    expect(third).toMatchObject({ task: { retryOf: second.task.id }, isDuplicate: false });
    expect(await engine.settled(third.task.id)).toMatchObject({ status: "SUCCEEDED" });

    expect(launched(await raise({ ...key, ...FINISH }))).toMatchObject({
      task: { id: third.task.id, status: "SUCCEEDED" },
      isDuplicate: true,
    });
    expect([await countOf(8), await countOf(9)]).toEqual([(before ?? 0) + 10, 10]);
  });

  it("makes one retry when it comes many times at once, and returns it until it is settled", async () => {
    await engine.pool.query("UPDATE thing SET count = 995 WHERE id = 9");
    const key = { idempotencyKey: "together" };
    const first = await engine.settled(launched(await raise(key)).task.id);
    isOpen = false;
    const outcomes = (await Promise.all(Array.from({ length: 8 }, () => raise({ ...key, ...FINISH })))).map(
      launched,
    );
    const [retry] = outcomes;
    expect(new Set(outcomes.map(({ task }) => task.id))).toEqual(new Set([retry?.task.id]));
    expect(outcomes.filter(({ isDuplicate }) => !isDuplicate)).toHaveLength(1);
    expect(launched(await raise({ ...key, ...FINISH }))).toMatchObject({
      task: { id: retry?.task.id, status: "PENDING" },
      isDuplicate: true,
    });
    expect((await engine.ports.tasks.retries([first.id])).get(first.id)).toHaveLength(1);
    await cancelTask(engine.ports, { taskId: retry?.task.id ?? "", viewer: { id: null } });
  });

  it("counts a cancelled task as unfinished", async () => {
    isOpen = false;
    const key = { idempotencyKey: "cancelled" };
    const { task } = launched(await raise(key, ["3"]));
    await cancelTask(engine.ports, { taskId: task.id, viewer: { id: null } });
    isOpen = true;
    expect(launched(await raise(key, ["3"])).task).toMatchObject({ id: task.id, status: "CANCELLED" });
    const retry = launched(await raise({ ...key, ...FINISH }, ["3"]));
    expect(await engine.settled(retry.task.id)).toMatchObject({ status: "SUCCEEDED", retryOf: task.id });
  });

  it("runs one of the app's own tasks again, whether it failed or did a part", async () => {
    const key = { idempotencyKey: "errand" };
    ending = "FAILED";
    const first = await engine.settled(launched(await run(key)).task.id);
    expect(first.status).toBe("FAILED");
    ending = "PARTIAL";
    const second = await engine.settled(launched(await run({ ...key, ...FINISH })).task.id);
    expect(second).toMatchObject({ status: "PARTIAL", retryOf: first.id });
    ending = "SUCCEEDED";
    const third = await engine.settled(launched(await run({ ...key, ...FINISH })).task.id);
    expect(third).toMatchObject({ status: "SUCCEEDED", retryOf: second.id, input: "milk" });
    expect(launched(await run({ ...key, ...FINISH })).task.id).toBe(third.id);
  });

  it("is refused with other input, and without a key", async () => {
    const key = { idempotencyKey: "other" };
    const { task } = launched(await raise(key, ["1"]));
    await engine.settled(task.id);
    expect(await raise({ ...key, ...FINISH }, ["2"])).toMatchObject({
      kind: "IDEMPOTENCY_MISMATCH",
      task: { id: task.id },
    });
    for (const refused of [await raise(FINISH), await run(FINISH)]) {
      expect(refused).toMatchObject({
        kind: "INVALID",
        problems: [
          {
            field: "options.ifUnfinished",
            message: expect.stringMatching(/RETRY needs an idempotencyKey/) as string,
          },
        ],
      });
    }
  });
});

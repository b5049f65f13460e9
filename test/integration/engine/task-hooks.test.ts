import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import type { LaunchHookContext, TaskHook, TaskHooks } from "../../../src/core/tasks/task-hooks.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;
const ANN = { id: "ann" };

/** One call of a hook, noted after a delay. */
interface HookCall {
  readonly step: string;
  readonly task: Task;
  readonly recordIds: readonly string[];
}

let engine: EngineFixture;
let calls: HookCall[] = [];
let launches: LaunchHookContext[] = [];
let mood: "CALM" | "THROWS" = "CALM";

const note =
  (step: string): TaskHook =>
  async ({ task, recordIds }) => {
    calls.push({ step, task, recordIds: await recordIds() });
    if (mood === "THROWS") {
      throw new Error(`${step} is in a bad mood`);
    }
  };

const HOOKS: TaskHooks = {
  beforeCreate(launch) {
    launches.push(launch);
    if (launch.options.label === "forbidden") {
      throw new Error("Not on a Saturday.");
    }
  },
  create: note("create"),
  start: note("start"),
  progress() {
    if (mood === "THROWS") {
      throw new Error("progress is in a bad mood");
    }
  },
  complete: note("complete"),
  fail: note("fail"),
  cancel: note("cancel"),
  cleanup: note("cleanup"),
};

beforeAll(async () => {
  engine = await createEngineFixture({
    hooks: HOOKS,
    tasks: [
      defineTask({
        kind: "explode",
        run: () => Promise.reject(new Error("boom")),
      }),
    ],
  });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  [calls, launches, mood] = [[], [], "CALM"];
  await engine.pool.query("TRUNCATE part, seal, thing CASCADE");
  await insertThings(engine.session, 60);
});

function setCount(label: string, ids: readonly string[]): Parameters<EngineFixture["launch"]>[0] {
  return {
    operation: "UPDATE",
    change: { count: { set: 7 } },
    selection: { ids },
    viewer: ANN,
    options: { ...SKIP_FAILED, label },
  };
}

/** The calls for the task in order, once CLEANUP's hook has been called. */
async function stepsOf(taskId: string): Promise<readonly HookCall[]> {
  await engine.settled(taskId);
  const own = (): readonly HookCall[] => calls.filter(({ task }) => task.id === taskId);
  await expect.poll(() => own().at(-1)?.step, { timeout: 10_000 }).toBe("cleanup");
  return own();
}

describe("hooks in a task's life", () => {
  it("are called in order, with the task, its viewer, records, input and result", async () => {
    const { id } = await engine.launched(setCount("first", ["1", "2", "999"]));
    const steps = await stepsOf(id);
    expect(steps.map(({ step, task }) => [step, task.status])).toEqual([
      ["create", "PENDING"],
      ["start", "RUNNING"],
      ["complete", "SUCCEEDED"],
      ["cleanup", "SUCCEEDED"],
    ]);
    for (const { task, recordIds } of steps) {
      expect(task).toMatchObject({ kind: "bulkUpdate", model: "Thing", viewer: ANN, label: "first" });
      expect(task.input).toMatchObject({ data: { count: { set: 7 } } });
      expect(recordIds).toEqual(["1", "2", "999"]);
    }
    expect(steps.at(-1)?.task.progress).toMatchObject({ succeeded: 2, skipped: 1 });
    expect(launches).toMatchObject([
      { kind: "bulkUpdate", model: "Thing", viewer: ANN, recordIds: ["1", "2", "999"] },
    ]);
  });

  it("get a failure's message, and a cancellation as such", async () => {
    const outcome = await launchCustom(engine.ports, { kind: "explode", input: { fuse: 1 }, viewer: ANN });
    const exploding = outcome.kind === "LAUNCHED" ? outcome.task.id : outcome.message;
    const failed = await stepsOf(exploding);
    expect(failed.map(({ step }) => step)).toEqual(["create", "start", "fail", "cleanup"]);
    expect(failed[2]?.task).toMatchObject({ status: "FAILED", message: "boom", input: { fuse: 1 } });
    const release = await holdRecord(engine, 1);
    const holder = await engine.launched(setCount("holder", ["1"]));
    const waiting = await engine.launched({
      ...setCount("waiting", ["1"]),
      options: { ...SKIP_FAILED, onConflict: "WAIT", allowDuplicate: true },
    });
    await cancelTask(engine.ports, { taskId: waiting.id, viewer: ANONYMOUS });
    expect((await stepsOf(waiting.id)).map(({ step }) => step)).toEqual(["create", "cancel", "cleanup"]);
    await release();
    await stepsOf(holder.id);
  });

  it("change nothing when they throw", async () => {
    mood = "THROWS";
    const { id } = await engine.launched(setCount("stubborn", ["1", "2"]));
    const steps = await stepsOf(id);
    expect(steps.map(({ step }) => step)).toEqual(["create", "start", "complete", "cleanup"]);
    expect(await engine.task(id)).toMatchObject({
      status: "SUCCEEDED",
      attempt: 1,
      progress: { succeeded: 2 },
    });
    expect(await lockOwners(engine.session)).toEqual([]);
  });

  it("can refuse a launch with their own message before anything is written", async () => {
    const before = await engine.ports.tasks.count({});
    expect(await engine.launch(setCount("forbidden", ["1"]))).toEqual({
      kind: "INVALID",
      message: "Not on a Saturday.",
      problems: [{ code: "VALIDATION_FAILED", message: "Not on a Saturday." }],
    });
    expect(await engine.ports.tasks.count({})).toBe(before);
    expect(calls).toEqual([]);
    expect(await lockOwners(engine.session)).toEqual([]);
  });
});

import { z } from "zod";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import { createHookListeners } from "../../../src/core/tasks/run/hook-listeners.ts";
import { repeatHookCalls } from "../../../src/core/tasks/settle/final-hooks.ts";
import { settleTask } from "../../../src/core/tasks/settle/settle-task.ts";
import type {
  FinalContext,
  LaunchHookContext,
  ProgressContext,
  StepContext,
  TaskHooks,
} from "../../../src/core/tasks/task-hooks.ts";
import { AppError } from "../../../src/kernel/app-error.ts";
import type { Json } from "../../../src/kernel/json.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { NO_COUNTS } from "../../../src/core/tasks/progress.ts";
import { sweep, sweepNow } from "../../../src/core/sweeper/sweep.ts";
import { withDeadline } from "../../support/deadline.ts";
import { ORPHANS_AT_ONCE } from "../../support/sweep-options.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;
const ANN = { id: "ann" };

/** One call of a listener, noted after a delay. */
interface HookCall {
  readonly step: string;
  readonly context: StepContext<unknown> &
    Partial<Omit<FinalContext<unknown, unknown>, "id">> & { readonly attempt?: number };
  readonly affected: unknown;
}

let engine: EngineFixture;
let calls: HookCall[] = [];
let launches: LaunchHookContext[] = [];
let progress: ProgressContext[] = [];
let logged: unknown[] = [];
let mood: "CALM" | "THROWS" = "CALM";

const note =
  (step: string) =>
  async (context: HookCall["context"]): Promise<void> => {
    calls.push({ step, context, affected: await context.affected() });
    if (mood === "THROWS") {
      throw new Error(`${step} is in a bad mood`);
    }
  };

const HOOKS: TaskHooks = {
  // option: hooks.beforeCreate
  beforeCreate: [
    (launch) => void launches.push(launch),
    ({ options }) => {
      if (options.label === "forbidden") {
        throw new Error("Not on a Saturday.");
      }
    },
  ],
  // option: hooks.create
  create: note("create"),
  // option: hooks.start
  start: note("start"),
  // option: hooks.progress
  progress(context) {
    progress.push(context);
    if (mood === "THROWS") {
      throw new Error("progress is in a bad mood");
    }
  },
  // option: hooks.complete
  complete: [note("complete"), note("complete again")],
  // option: hooks.fail
  fail: note("fail"),
  // option: hooks.cancel
  cancel: note("cancel"),
  // option: hooks.cleanup
  cleanup: note("cleanup"),
};

const explode = defineTask({
  kind: "explode",
  input: z.object({ fuse: z.number() }),
  claims: ({ input }) => [{ model: "Thing", ids: [String(input.fuse)] }],
  hooks: {
    // As the schema returned it.
    fail: (context) => note(`explode failed after ${context.input.fuse.toFixed(1)}`)(context),
  },
  run: () => Promise.reject(new Error("boom")),
});
const OWN_STEPS = ["create", "start", "progress", "complete", "fail", "cancel", "cleanup"] as const;
let ownSteps: string[] = [];
const hooked = defineTask({
  kind: "hooked",
  input: z.enum(["works", "fails", "stops"]),
  hooks: Object.fromEntries(OWN_STEPS.map((step) => [step, () => void ownSteps.push(step)])),
  async run({ input, progress: its }) {
    its.total(1);
    its.add(1);
    if (input === "fails") {
      throw new Error("as asked");
    }
    if (input === "stops") {
      throw new AppError("CANCELLED", "as asked");
    }
  },
});
const count = defineTask({ kind: "count", run: async () => ({ counted: 3 }) });

beforeAll(async () => {
  engine = await createEngineFixture({
    // option: hooks
    hooks: HOOKS,
    tasks: [explode, count, hooked],
    logger: { ...createSilentLogger(), error: (fields, message) => void logged.push([fields, message]) },
  });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  [calls, launches, progress, logged, mood] = [[], [], [], [], "CALM"];
  await engine.pool.query(emptying("part, seal, thing"));
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

/** The calls for the task in order, once the last one for CLEANUP has been made. */
async function stepsOf(taskId: string): Promise<readonly HookCall[]> {
  await engine.settled(taskId);
  const own = (): readonly HookCall[] => calls.filter(({ context }) => context.task.id === taskId);
  await expect.poll(() => own().at(-1)?.step, { timeout: 10_000 }).toBe("cleanup");
  await expect.poll(() => leftCalls()).toEqual([]);
  return own();
}

/** The calls that are still to be made. */
function leftCalls(): Promise<readonly unknown[]> {
  return engine.session.query("SELECT step FROM powercrud.hook_call ORDER BY step");
}

async function launchOwn(kind: string, input: Json): Promise<string> {
  const outcome = await launchCustom(engine.ports, { kind, input, viewer: ANN });
  return outcome.kind === "LAUNCHED" ? outcome.task.id : outcome.message;
}

describe("hooks in a task's life", () => {
  it("are called in order, with the task, its viewer, records and input; each of several listeners", async () => {
    const { id } = await engine.launched(setCount("first", ["1", "2", "999"]));
    const steps = await stepsOf(id);
    expect(steps.map(({ step, context }) => [step, context.id, context.task.status])).toEqual([
      ["create", `${id}:create`, "PENDING"],
      ["start", `${id}:start:1`, "RUNNING"],
      ["complete", `${id}:complete`, "SUCCEEDED"],
      ["complete again", `${id}:complete`, "SUCCEEDED"],
      ["cleanup", `${id}:cleanup`, "SUCCEEDED"],
    ]);
    for (const { context, affected } of steps) {
      expect(context.task).toMatchObject({ kind: "bulkUpdate", model: "Thing", label: "first" });
      expect(context).toMatchObject({ viewer: ANN, input: { data: { count: { set: 7 } } } });
      expect(affected).toEqual([{ model: "Thing", ids: ["1", "2", "999"] }]);
    }
    expect(steps[1]?.context.attempt).toBe(1);
    expect(steps.at(-1)?.context).toMatchObject({ error: null, result: null });
    expect(steps.at(-1)?.context.task.progress).toMatchObject({ succeeded: 2, skipped: 1 });
    expect(launches).toMatchObject([
      { kind: "bulkUpdate", model: "Thing", viewer: ANN, recordIds: ["1", "2", "999"] },
    ]);
    expect(progress.at(-1)).toMatchObject({ attempt: 1, viewer: ANN, progress: { processed: 3 } });
  });

  it("get a result, a failure's message, and a cancellation as such", async () => {
    const counted = await stepsOf(await launchOwn("count", {}));
    expect(counted.at(-1)?.context).toMatchObject({ result: { counted: 3 }, error: null });
    const failed = await stepsOf(await launchOwn("explode", { fuse: 1 }));
    expect(failed.map(({ step }) => step)).toEqual([
      "create",
      "start",
      "fail",
      "explode failed after 1.0",
      "cleanup",
    ]);
    expect(failed[2]).toMatchObject({
      affected: [{ model: "Thing", ids: ["1"] }],
      context: { input: { fuse: 1 }, error: { message: "boom" }, task: { status: "FAILED" } },
    });
    const release = await holdRecord(engine, 1);
    const holder = await engine.launched(setCount("holder", ["1"]));
    const waiting = await engine.launched({
      ...setCount("waiting", ["1"]),
      options: { ...SKIP_FAILED, onConflict: "WAIT", allowDuplicate: true },
    });
    await cancelTask(engine.ports, { taskId: waiting.id, viewer: ANONYMOUS });
    const cancelled = calls.filter(({ context }) => context.task.id === waiting.id);
    expect(cancelled.map(({ step }) => step)).toEqual(["create", "cancel", "cleanup"]);
    await release();
    await stepsOf(holder.id);
  });

  // option: tasks.hooks.create
  // option: tasks.hooks.start
  // option: tasks.hooks.progress
  // option: tasks.hooks.complete
  // option: tasks.hooks.fail
  // option: tasks.hooks.cancel
  // option: tasks.hooks.cleanup
  it.each([
    ["works", "complete"],
    ["fails", "fail"],
    ["stops", "cancel"],
  ])("of a definition are called at each step of its tasks: one that %s", async (input, end) => {
    ownSteps = [];
    await stepsOf(await launchOwn("hooked", input));
    await expect
      .poll(() => [...new Set(ownSteps)], { timeout: 10_000 })
      .toEqual(["create", "start", "progress", end, "cleanup"]);
  });

  it("change nothing when they throw: the others are called, and each error is logged", async () => {
    mood = "THROWS";
    const { id } = await engine.launched(setCount("stubborn", ["1", "2"]));
    const steps = await stepsOf(id);
    expect(steps.map(({ step }) => step)).toEqual([
      "create",
      "start",
      "complete",
      "complete again",
      "cleanup",
    ]);
    expect(await engine.task(id)).toMatchObject({
      status: "SUCCEEDED",
      attempt: 1,
      progress: { succeeded: 2 },
    });
    expect(await lockOwners(engine.session)).toEqual([]);
    expect(logged).toContainEqual([
      { err: new Error("complete again is in a bad mood"), taskId: id },
      'a listener of the hook "complete" threw',
    ]);
    expect(logged).toContainEqual([
      expect.objectContaining({ taskId: id }),
      'a listener of the hook "progress" threw',
    ]);
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

describe("the calls of a process that died after the settlement", () => {
  /** Settles a task as a process whose first listener never comes back. @returns its id */
  async function settledByDead(kind = "count"): Promise<string> {
    const outcome = await launchCustom(engine.ports, { kind, input: { fuse: 7 } });
    const id = outcome.kind === "LAUNCHED" ? outcome.task.id : outcome.message;
    await stepsOf(id);
    calls = [];
    const again =
      "UPDATE powercrud.task SET status = 'RUNNING', finished_at = NULL, cleaned_at = NULL WHERE id = $1";
    await engine.session.query(again, [id]);
    const never = (): Promise<void> =>
      new Promise(() => {
        died();
      });
    let died = (): void => undefined;
    const hanging = new Promise<void>((resolve) => {
      died = resolve;
    });
    const { leaseMs: _untimed, ...ports } = engine.ports;
    const dead = { ...ports, hooks: createHookListeners({ complete: never, fail: never, cleanup: never }) };
    const settle = {
      status: kind === "count" ? "SUCCEEDED" : "FAILED",
      message: kind === "count" ? null : "boom",
      result: null,
      counts: NO_COUNTS,
    } as const;
    void settleTask(dead, { taskId: id, kind, attempt: 1, total: null, settle });
    await withDeadline(hanging, 10_000, "the settlement");
    return id;
  }

  it("are made by another one, in order, once the lease is over and the task is cleaned", async () => {
    const id = await settledByDead("explode");
    expect(await leftCalls()).toEqual([{ step: "cleanup" }, { step: "fail" }]);
    expect(await repeatHookCalls(engine.ports, 60_000)).toEqual([]);
    expect(await repeatHookCalls(engine.ports, -1000)).toEqual([`${id}:fail`]);
    expect(calls.map(({ step }) => step)).toEqual(["fail", "explode failed after 7.0"]);
    // The sweeper cleans the task first.
    const { summary } = await sweepNow(engine.ports, { ...ORPHANS_AT_ONCE, cleanGraceMs: -1000 });
    expect(summary).toMatchObject({ cleaned: [id], hooks: [`${id}:cleanup`] });
    expect(calls.slice(2).map(({ context }) => [context.id, context.error])).toEqual([
      [`${id}:cleanup`, { message: "boom" }],
    ]);
    expect(await leftCalls()).toEqual([]);
  });

  it("are made once by several at the same time", async () => {
    const id = await settledByDead();
    await sweep(engine.ports, { ...ORPHANS_AT_ONCE, cleanGraceMs: -1000 });
    await engine.session.query("UPDATE powercrud.hook_call SET taken_at = taken_at - interval '10 s'");
    const made = await Promise.all([1, 2, 3].map(() => repeatHookCalls(engine.ports, 5000)));
    expect(made.flat()).toEqual(expect.arrayContaining([`${id}:complete`]));
    await repeatHookCalls(engine.ports, 5000);
    expect(calls.map(({ step }) => step)).toEqual(["complete", "complete again", "cleanup"]);
  });

  it("are left alone by a process without listeners for them", async () => {
    const id = await settledByDead();
    const others = createHookListeners({ fail: note("fail") }, [explode]);
    expect(await repeatHookCalls({ ...engine.ports, hooks: others }, -1000)).toEqual([]);
    const none = createHookListeners();
    expect(await repeatHookCalls({ ...engine.ports, hooks: none }, -1000)).toEqual([]);
    expect(await leftCalls()).toEqual([{ step: "cleanup" }, { step: "complete" }]);
    const own = createHookListeners({}, [{ ...count, hooks: { complete: note("its own") } }]);
    expect(await repeatHookCalls({ ...engine.ports, hooks: own }, -1000)).toEqual([`${id}:complete`]);
    await engine.session.query("DELETE FROM powercrud.hook_call");
  });

  it("are not made by others while a slow hook is being called", async () => {
    const id = await launchOwn("count", {});
    await stepsOf(id);
    await engine.session.query(
      "INSERT INTO powercrud.hook_call VALUES ($1, 'complete', now() - interval '1 h', now() - interval '1 h')",
      [id],
    );
    let end = (): void => undefined;
    const slow = createHookListeners({
      complete: () =>
        new Promise((resolve) => {
          end = resolve;
        }),
    });
    const slowly = repeatHookCalls({ ...engine.ports, hooks: slow, leaseMs: 60 }, 1000);
    const takenAt = async (): Promise<unknown> => {
      const [row] = await engine.session.query<{ at: string }>(
        "SELECT taken_at::text AS at FROM powercrud.hook_call WHERE taken_at > now() - interval '1 min'",
      );
      return row?.at;
    };
    await expect.poll(takenAt).toBeDefined();
    const first = await takenAt();
    await expect.poll(takenAt).not.toBe(first);
    end();
    expect(await slowly).toEqual([`${id}:complete`]);
    expect(await leftCalls()).toEqual([]);
  });
});

it("a task without listeners for its end leaves no call behind, and takes no statement more", async () => {
  const statements: string[] = [];
  const spied = {
    ...engine.ports,
    hooks: createHookListeners({ start: note("start") }),
    tasks: new Proxy(engine.ports.tasks, {
      get(tasks, name: string) {
        statements.push(name);
        return Reflect.get(tasks, name) as unknown;
      },
    }),
  };
  const outcome = await launchCustom(spied, { kind: "count", input: {}, options: { mode: "SYNC" } });
  expect(outcome).toMatchObject({ kind: "LAUNCHED", task: { status: "SUCCEEDED" } });
  expect(statements.filter((name) => name.includes("HookCall"))).toEqual([]);
});

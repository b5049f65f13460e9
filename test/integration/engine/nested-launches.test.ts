import { z } from "zod";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { LaunchOptions, RunContext } from "../../../src/index.ts";
import { currentTask, defineTask, tasks } from "../../../src/index.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import type { ModelOptions } from "../../../src/core/records/model-options.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { SqlSession } from "../../../src/kernel/sql-session.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { holdRecords } from "../../support/hold-records.ts";
import type { ThingRow } from "../../support/hooks-engine.ts";
import { INCREMENT, SKIP_FAILED } from "../../support/hooks-engine.ts";
import { ORPHANS_AT_ONCE, PATIENT } from "../../support/sweep-options.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

type Run = (context: RunContext) => Promise<unknown>;

let engine: EngineFixture;
/** Number of tasks that the tests before have made. */
let tasksBefore = 0;
let hooks: ModelOptions<ThingRow, SqlSession>["hooks"] = {};
let outer: Run = async () => null;
let inner: (context: RunContext<{ ids: readonly string[] }>) => Promise<unknown> = async () => null;

/** Claims the labels that its input names, and holds on to nothing else. */
const nested = defineTask({
  kind: "nested",
  input: z.object({ ids: z.array(z.string()) }),
  claims: ({ input }) => [{ model: "Label", ids: input.ids }],
  run: (context) => inner(context),
});

/** Only one may run at a time, and yet it waits for another one of its kind. */
const alone = defineTask({
  kind: "alone",
  concurrency: { max: 1 },
  run: async ({ input }): Promise<unknown> =>
    input === "last" ? null : tasks.launch("alone", "last", { asChild: { wait: true } }),
});

beforeAll(async () => {
  engine = await createEngineFixture({
    chunkRecords: 20,
    workerConcurrency: 1,
    modelOptions: {
      get Thing() {
        return { hooks } as unknown as ModelOptions;
      },
    },
    tasks: [nested, defineTask({ kind: "outer", run: (context) => outer(context) }), alone],
  });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  hooks = {};
  outer = async () => null;
  inner = async ({ input }) => input.ids.length;
  await engine.pool.query(emptying("powercrud.lock, part, seal, thing, label"));
  await insertThings(engine.session, 40);
  tasksBefore = await engine.ports.tasks.count({});
});

async function launchOuter(options: LaunchOptions = {}): Promise<Task> {
  const outcome = await launchCustom(engine.ports, {
    kind: "outer",
    input: null,
    options: { mode: "ASYNC", allowDuplicate: true, ...options },
  });
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(outcome.message);
  }
  return outcome.task;
}

function launchNested(input: { readonly ids: readonly string[] }): ReturnType<EngineFixture["launchCustom"]> {
  return engine.launchCustom({ kind: "nested", input, options: { mode: "ASYNC" } });
}

const runOuter = async (options?: LaunchOptions): Promise<Task> =>
  engine.settled((await launchOuter(options)).id);

const updateOne = (id: string): ReturnType<EngineFixture["writeOne"]> =>
  engine.writeOne({ model: "Thing", viewer: { id: "ada" }, operation: "UPDATE", id, data: { count: 500 } });

/** Number of tasks that this test has made. */
const countTasks = async (): Promise<number> => (await engine.ports.tasks.count({})) - tasksBefore;

async function childrenOf(task: Pick<Task, "id">): Promise<readonly Task[]> {
  return (await engine.ports.tasks.children([task.id])).get(task.id) ?? [];
}

/** A promise, and what resolves it. */
function signal(): { readonly reached: Promise<void>; reach(): void } {
  let reach = (): void => undefined;
  const promise = new Promise<void>((resolve) => (reach = resolve));
  return { reached: withDeadline(promise, 15_000, "a signal"), reach };
}

const ATTEMPT_OF_A_DEAD_WORKER = `
  WITH begun AS (UPDATE powercrud.task SET attempt = 2 WHERE id = $1::uuid RETURNING id)
  INSERT INTO powercrud.attempt (task_id, number, worker_id, started_at, heartbeat_at)
  SELECT id, 2, 'dead', now() - interval '1 hour', now() - interval '1 hour' FROM begun`;

describe("a launch inside a task", () => {
  it("runs the other task as a part of it: no second task, and the claims are the caller's until it settles", async () => {
    let seen: unknown;
    inner = async ({ input, task, progress, currentTask: current }) => {
      progress.total(input.ids.length);
      progress.add(2, "both");
      const owners = await engine.ports.locks.owners("Label", input.ids);
      seen = [currentTask()?.id === task.id, current().id === task.id, [...owners.values()]];
      return "done";
    };
    outer = async ({ progress }) => {
      progress.total(1);
      const launched = await tasks.launch(nested, { ids: ["1", "2"] });
      progress.add(1);
      return launched.kind === "INLINE" ? launched.result : launched.kind;
    };
    const task = await runOuter();
    expect(task).toMatchObject({ status: "SUCCEEDED", result: "done", progress: { total: 3, succeeded: 3 } });
    expect(seen).toEqual([true, true, [task.id, task.id]]);
    expect(await countTasks()).toBe(1);
    expect(await engine.ports.locks.owners("Label", ["1", "2"])).toEqual(new Map());
  });

  it("throws what the other one throws to the caller, and hands bad input back as a refusal", async () => {
    inner = () => Promise.reject(new Error("boom"));
    outer = async () => [
      await tasks.launch(nested, { ids: ["1"] }).catch((error: unknown) => (error as Error).message),
      (await tasks.launch("nested", { ids: [1] })).kind,
    ];
    expect(await runOuter()).toMatchObject({ status: "SUCCEEDED", result: ["boom", "INVALID"] });
  });

  it("fails with the holder's name where another task holds what the other one claims", async () => {
    const { task: holder } = await holdRecords(engine.pool, [{ model: "Label", ids: ["7"] }], {
      isBegun: true,
    });
    let isRun = false;
    inner = async () => (isRun = true);
    outer = async () => tasks.launch(nested, { ids: ["7"] });
    expect(await runOuter()).toMatchObject({ status: "FAILED", message: `Task ${holder.id} holds Label 7.` });
    expect(isRun).toBe(false);
  });

  it("in a hook takes part in the chunk's transaction, and its progress is shown beside the task's", async () => {
    const messages = new Set<string | null>();
    inner = async ({ input, progress, prisma }) => {
      progress.total(input.ids.length);
      for (const id of input.ids) {
        await (prisma as SqlSession).query("INSERT INTO label (name) VALUES ($1)", [`label ${id}`]);
        progress.add(1);
      }
      return null;
    };
    hooks = {
      async afterUpdate({ records }) {
        await tasks.launch(nested, { ids: records.map(({ id }) => id) });
      },
    };
    const task = await engine.launched({ ...INCREMENT, options: SKIP_FAILED });
    const watching = (async () => {
      for await (const { progress } of engine.feed.watch(task.id)) {
        messages.add(progress.message);
      }
    })();
    expect(await engine.settled(task.id)).toMatchObject({
      status: "SUCCEEDED",
      progress: { succeeded: 40, processed: 40, total: 40 },
    });
    await watching;
    expect([...messages].some((message) => /^nested: \d+ of \d+$/.test(message ?? ""))).toBe(true);
    expect(await countTasks()).toBe(1);
    expect(await engine.session.query("SELECT FROM label")).toHaveLength(40);
  });

  it("as a child makes a task of its own with the caller as its parent, run while the caller waits in the only place", async () => {
    inner = async ({ input, task }) => ({ ids: input.ids, parent: task.parent });
    outer = async () => {
      const launched = await tasks.launch(nested, { ids: ["1"] }, { asChild: { wait: true } });
      return launched.kind === "LAUNCHED" ? [launched.task.status, launched.task.result as never] : null;
    };
    const task = await runOuter();
    expect(task.result).toEqual(["SUCCEEDED", { ids: ["1"], parent: task.id }]);
    expect(await childrenOf(task)).toMatchObject([{ kind: "nested", parent: task.id }]);
  });

  it("as a child is the same one for a later attempt, and another one for each launch of the same attempt", async () => {
    const crashed = signal();
    outer = async ({ attempt, signal: stop }) => {
      await tasks.launch(nested, { ids: ["1"] }, { asChild: { wait: true } });
      await tasks.launch(nested, { ids: ["1"] }, { asChild: { wait: true } });
      if (attempt === 1) {
        crashed.reach();
        // As if the worker had died: it never comes back.
        await new Promise((resolve) => stop.addEventListener("abort", resolve));
      }
      return null;
    };
    const { id } = await launchOuter();
    await crashed.reached;
    await engine.session.query(ATTEMPT_OF_A_DEAD_WORKER, [id]);
    await sweep(engine.ports, ORPHANS_AT_ONCE);
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", attempt: 3 });
    expect(await childrenOf({ id })).toHaveLength(2);
  });

  it("cancels its children with it, also those of its children", async () => {
    const running = signal();
    const stopped: string[] = [];
    inner = async ({ task, signal: stop }) => {
      running.reach();
      await new Promise((resolve) => stop.addEventListener("abort", resolve));
      stopped.push(task.id);
      stop.throwIfAborted();
      return null;
    };
    outer = async ({ task }) =>
      task.parent === null
        ? tasks.launch("outer", null, { asChild: { wait: true } })
        : tasks.launch(nested, { ids: ["1"] }, { asChild: { wait: true } });
    const { id } = await launchOuter();
    await running.reached;
    await cancelTask(engine.ports, { taskId: id, viewer: ANONYMOUS });
    expect(await engine.settled(id)).toMatchObject({ status: "CANCELLED" });
    const [child] = await childrenOf({ id });
    const [grandchild] = await childrenOf({ id: child?.id ?? "" });
    expect(await engine.settled(child?.id ?? "")).toMatchObject({ status: "CANCELLED" });
    expect(await engine.settled(grandchild?.id ?? "")).toMatchObject({ status: "CANCELLED" });
    expect(stopped).toEqual([grandchild?.id]);
  });

  it("leaves a child that its cancellation missed to the sweeper", async () => {
    outer = () => tasks.launch(nested, { ids: ["1"] }, { asChild: { wait: false } });
    const hold = signal();
    inner = ({ signal: stop }) =>
      new Promise((_resolve, reject) => {
        hold.reach();
        stop.addEventListener("abort", () => reject(new Error("stopped")));
      });
    const task = await runOuter();
    await hold.reached;
    await engine.session.query("UPDATE powercrud.task SET status = 'CANCELLED' WHERE id = $1::uuid", [
      task.id,
    ]);
    const [child] = await childrenOf(task);
    expect((await sweep(engine.ports, PATIENT)).cancelled).toEqual([child?.id]);
    expect(await engine.settled(child?.id ?? "")).toMatchObject({ status: "CANCELLED" });
  });

  it("as a child that waits for its parent fails instead of waiting for ever", async () => {
    outer = async () => {
      await tasks.launch(nested, { ids: ["1"] });
      await tasks.launch(nested, { ids: ["1"] }, { asChild: { wait: true }, onConflict: "WAIT" });
      return null;
    };
    const task = await runOuter();
    expect(task).toMatchObject({
      status: "FAILED",
      message: expect.stringContaining("None of these tasks could ever go on"),
    });
  });

  it("as a child that may not run beside its parent fails instead of waiting for ever", async () => {
    outer = async () => {
      const launched = await tasks.launch(alone, "first", { asChild: { wait: true } });
      return launched.kind === "LAUNCHED" ? [launched.task.status, launched.task.message] : null;
    };
    expect((await runOuter()).result).toEqual([
      "FAILED",
      expect.stringContaining("None of these tasks could ever go on"),
    ]);
  });

  it("as a child that stands in line gets the only place for the task before it", async () => {
    const [begun, behind] = [signal(), signal()];
    outer = async () => {
      begun.reach();
      await behind.reached;
      const launched = await tasks.launch(
        nested,
        { ids: ["1"] },
        { asChild: { wait: true }, onConflict: "WAIT" },
      );
      return launched.kind === "LAUNCHED" ? launched.task.status : launched.kind;
    };
    const { id } = await launchOuter();
    await begun.reached;
    await launchNested({ ids: ["1"] });
    behind.reach();
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", result: "SUCCEEDED" });
  });

  it("as a child that awaits its slot gets the only place for the task that was given one", async () => {
    const [begun, given] = [signal(), signal()];
    outer = async () => {
      begun.reach();
      await given.reached;
      const launched = await tasks.launch(alone, "last", { asChild: { wait: true } });
      return launched.kind === "LAUNCHED" ? launched.task.status : launched.kind;
    };
    const { id } = await launchOuter();
    await begun.reached;
    const other = await engine.launchCustom({ kind: "alone", input: "last", options: { mode: "ASYNC" } });
    // As if it had been turned away, and its slot had become free since.
    await engine.session.query(
      "UPDATE powercrud.task SET slot = 'GIVEN' WHERE kind = 'alone' AND status = 'PENDING'",
    );
    given.reach();
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", result: "SUCCEEDED" });
    expect(await engine.settled(other.kind === "LAUNCHED" ? other.task.id : "")).toMatchObject({
      status: "SUCCEEDED",
    });
  });

  it("launches a bulk operation as its child", async () => {
    outer = async () => {
      const launched = await engine.launch({
        ...INCREMENT,
        options: { ...SKIP_FAILED, asChild: { wait: true } },
      });
      return launched.kind === "LAUNCHED" ? launched.task.status : launched.message;
    };
    const task = await runOuter();
    expect(task.result).toBe("SUCCEEDED");
    expect(await childrenOf(task)).toMatchObject([{ kind: "bulkUpdate", progress: { succeeded: 40 } }]);
  });
});

describe("a launch in the hook of a single write", () => {
  it("makes a task with the write's commit, which holds its records from then on", async () => {
    let launched: unknown;
    hooks = {
      async afterUpdate() {
        launched = await tasks.launch(nested, { ids: ["1"] });
      },
    };
    expect(await updateOne("7")).toEqual({ kind: "WRITTEN", id: "7" });
    const { task } = launched as { readonly task: Task };
    expect(launched).toMatchObject({
      kind: "LAUNCHED",
      task: { status: "PENDING", kind: "nested", viewer: { id: "ada" } },
    });
    expect(await engine.settled(task.id)).toMatchObject({ status: "SUCCEEDED", result: 1 });
  });

  it("makes none where the write is refused or the hook throws, and hands a conflict back", async () => {
    hooks = {
      async afterUpdate() {
        await tasks.launch(nested, { ids: ["1"] });
        throw new Error("changed my mind");
      },
    };
    expect(await updateOne("7")).toEqual({ kind: "WRITTEN", id: "7" });
    expect(await countTasks()).toBe(0);

    const { task: holder } = await holdRecords(engine.pool, [{ model: "Label", ids: ["1"] }], {
      isBegun: true,
    });
    let launched: unknown;
    hooks = {
      async beforeUpdate() {
        launched = await tasks.launch(nested, { ids: ["1"] });
        return [{ id: "8", message: "No." }];
      },
    };
    expect(await updateOne("8")).toMatchObject({ kind: "INVALID" });
    expect(launched).toMatchObject({ kind: "CONFLICT", conflicts: [{ heldBy: { id: holder.id } }] });
    expect(await countTasks()).toBe(1);
  });
});

it("tasks.launch says where it works when it is called elsewhere", async () => {
  await expect(tasks.launch(nested, { ids: [] })).rejects.toMatchObject({ code: "OUTSIDE_TASK" });
});

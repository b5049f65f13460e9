import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  currentTask,
  defineTask,
  isInsideTask,
  registerDescendants,
  reportProgress,
} from "../../../src/index.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import type { ModelOptions } from "../../../src/core/records/model-options.ts";
import type { LaunchOptions } from "../../../src/core/tasks/launch-options.ts";
import { launchCustom as launchCustomTask } from "../../../src/core/tasks/launch/launch-custom.ts";
import { promoteWaiting } from "../../../src/core/tasks/settle/promote-waiting.ts";
import { launchTask } from "../../../src/core/tasks/launch/launch-task.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import type { RunContext } from "../../../src/core/tasks/define-task.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { SqlSession } from "../../../src/kernel/sql-session.ts";
import { createId } from "../../../src/kernel/ids.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { holdRecords } from "../../support/hold-records.ts";
import type { ThingRow } from "../../support/hooks-engine.ts";
import { ALL_OR_NOTHING, INCREMENT, SKIP_FAILED } from "../../support/hooks-engine.ts";
import { insertThings } from "../../support/thing-fixture.ts";

type Rules = ModelOptions<ThingRow, SqlSession>;
type Run = (context: RunContext) => Promise<unknown>;

let engine: EngineFixture;
let said: Rules = {};
let handle: Run = async () => null;

beforeAll(async () => {
  engine = await createEngineFixture({
    chunkRecords: 20,
    workerConcurrency: 1,
    modelOptions: {
      get Thing() {
        return said as unknown as ModelOptions;
      },
    },
    tasks: [
      defineTask({ kind: "custom", run: (context) => handle(context) }),
      defineTask({
        kind: "dependent",
        claims: () => [{ model: "Thing", ids: ["7"] }],
        dependents: { Label: (ids) => ids },
        run: async ({ task }) => (await owners(["7"])).get("7") === task.id,
      }),
    ],
  });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  said = {};
  handle = async () => null;
  await engine.pool.query("DELETE FROM powercrud.lock; TRUNCATE part, seal, thing, label CASCADE");
  await insertThings(engine.session, 40);
});

/** Each thing has one label, with its own id: the hook registers the labels of the written things. */
const registering: Rules = {
  hooks: {
    async afterUpdate({ records }) {
      await registerDescendants(
        "Label",
        records.map(({ id }) => id),
      );
    },
  },
};

async function run(options: LaunchOptions = SKIP_FAILED): Promise<Task> {
  const task = await engine.launched({ ...INCREMENT, options });
  return engine.settled(task.id);
}

async function launchCustom(options: LaunchOptions = {}): Promise<Task> {
  const outcome = await launchTask(engine.ports, {
    kind: "custom",
    model: null,
    viewer: ANONYMOUS,
    input: null,
    inputHash: createId(new Date()),
    options: { mode: "ASYNC", ...options },
    claims: [],
    records: [],
    maxChunkRecords: 1,
    total: null,
  });
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(outcome.message);
  }
  return outcome.task;
}

async function changedIds(): Promise<readonly number[]> {
  const rows = await engine.session.query<{ id: number }>(
    "SELECT id FROM thing WHERE count <> id % 100 ORDER BY id",
  );
  return rows.map(({ id }) => id);
}

const errorsOf = async (task: Task): Promise<readonly unknown[]> =>
  (await engine.ports.tasks.errors(task.id, 0, 100)).map(({ position: _position, ...error }) => error);

const owners = (ids: readonly string[]): Promise<ReadonlyMap<string, string>> =>
  engine.ports.locks.owners("Label", ids);

const holdLabel = (id: string): ReturnType<typeof holdRecords> =>
  holdRecords(engine.pool, [{ model: "Label", ids: [id] }], { isBegun: true });

/** Ends a holder as its settlement would. */
async function settleHolder(holder: Awaited<ReturnType<typeof holdLabel>>): Promise<void> {
  await engine.session.query(
    "UPDATE powercrud.task SET status = 'SUCCEEDED', finished_at = now() WHERE id = $1::uuid",
    [holder.task.id],
  );
  await holder.release();
  await engine.ports.bus.publish("powercrud_tasks", { kind: "LIFECYCLE", taskIds: [holder.task.id] });
}

/** The next message that the task shows which has the text. */
async function untilSays(taskId: string, text: string): Promise<void> {
  const seen = async (): Promise<void> => {
    for await (const { event } of engine.feed.subscribe({ filter: { taskIds: [taskId] } })) {
      if (event.progress.message?.includes(text) === true) {
        return;
      }
    }
  };
  await withDeadline(seen(), 15_000, `"${text}"`);
}

describe("descendants that a hook of a bulk operation registers", () => {
  it("belong to the task while it runs, may be registered twice, and are free once it has settled", async () => {
    const seen: unknown[] = [];
    said = {
      hooks: {
        async afterUpdate({ records }, { task }) {
          seen.push([isInsideTask(), currentTask()?.id === task?.id]);
          await registerDescendants("Label", [1, "2"]);
          await registerDescendants("Label", ["2", 3]);
          if (records.some(({ id }) => id === "40")) {
            seen.push(await owners(["1", "2", "3", "4"]));
          }
        },
      },
    };
    // One chunk after the other: the second one sees what the first has committed.
    const task = await run(ALL_OR_NOTHING);
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 40 } });
    expect(seen.slice(0, 2)).toEqual([
      [true, true],
      [true, true],
    ]);
    expect(await owners(["1", "2", "3"])).toEqual(new Map());
  });

  it("are visible to others from the commit of their chunk on", async () => {
    const seen: unknown[] = [];
    said = {
      hooks: {
        async beforeUpdate({ records }) {
          await registerDescendants(
            "Label",
            records.map(({ id }) => id),
          );
        },
        afterUpdate(_chunk, { onCommit, task }) {
          onCommit(async () => {
            seen.push([...(await owners(["1", "21"])).values()].every((owner) => owner === task?.id));
            seen.push((await owners(["1", "21"])).size > 0);
          });
        },
      },
    };
    await run();
    expect(seen).toEqual([true, true, true, true]);
  });

  it("that another task holds fail their own records only, and the error names the holder", async () => {
    said = registering;
    const holder = await holdLabel("7");
    const task = await run();
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 39, failed: 1 } });
    expect(await errorsOf(task)).toEqual([
      {
        recordId: "7",
        outcome: "FAILED",
        code: "RECORD_LOCKED",
        message: `It changes other records, too. Task ${holder.task.id} holds Label 7. Try again when that has settled.`,
      },
    ]);
    expect(await changedIds()).not.toContain(7);
    expect(await owners(["7"])).toEqual(new Map([["7", holder.task.id]]));
  });

  it("that another task holds undo everything under ALL_OR_NOTHING", async () => {
    said = registering;
    const holder = await holdLabel("27");
    const task = await run(ALL_OR_NOTHING);
    expect(task).toMatchObject({ status: "FAILED", progress: { succeeded: 0, failed: 1 } });
    expect(task.message).toContain(`Record 27: It changes other records, too. Task ${holder.task.id} holds`);
    expect(await changedIds()).toEqual([]);
    expect(await owners(["1"])).toEqual(new Map());
  });

  it("that another task holds make their records skipped under SKIP", async () => {
    said = registering;
    await holdLabel("7");
    const task = await run({ ...ALL_OR_NOTHING, onConflict: "SKIP" });
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 39, skipped: 1 } });
    expect(await errorsOf(task)).toMatchObject([
      { recordId: "7", outcome: "SKIPPED", code: "RECORD_LOCKED" },
    ]);
  });

  it.each([SKIP_FAILED, ALL_OR_NOTHING])(
    "that another task holds are waited for under WAIT, with %o",
    async (options) => {
      said = registering;
      const holder = await holdLabel("7");
      const { id } = await engine.launched({ ...INCREMENT, options: { ...options, onConflict: "WAIT" } });
      await untilSays(id, `It waits. Task ${holder.task.id} holds Label 7.`);
      expect(await changedIds()).not.toContain(7);
      await settleHolder(holder);
      expect(await engine.settled(id)).toMatchObject({
        status: "SUCCEEDED",
        progress: { succeeded: 40, processed: 40 },
      });
    },
  );

  it("fail the record even if the hook catches the error", async () => {
    said = {
      hooks: {
        async afterUpdate({ records }) {
          for (const { id } of records) {
            await registerDescendants("Label", [id]).catch(() => undefined);
          }
        },
      },
    };
    await holdLabel("7");
    expect(await run()).toMatchObject({ status: "PARTIAL", progress: { succeeded: 39, failed: 1 } });
    expect(await changedIds()).not.toContain(7);
  });

  it("are only looked up by a dry run", async () => {
    said = registering;
    await holdLabel("7");
    const task = await run({ ...SKIP_FAILED, dryRun: true });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 39, failed: 1 } });
    expect(await errorsOf(task)).toMatchObject([{ recordId: "7", code: "RECORD_LOCKED" }]);
  });

  it("must be records of a model: a hook with another name or id refuses its records with the reason", async () => {
    said = { hooks: { beforeUpdate: () => registerDescendants("Label", ["x"]) } };
    const task = await run();
    expect(task).toMatchObject({ status: "FAILED", progress: { failed: 40 } });
    expect((await errorsOf(task))[0]).toMatchObject({
      code: "VALIDATION_FAILED",
      message: '"x" is not an id of Label: expected the text of id Int.',
    });
  });
});

describe("descendants that a hook of a single write registers", () => {
  const update = (id: string): ReturnType<EngineFixture["writeOne"]> =>
    engine.writeOne({ model: "Thing", viewer: ANONYMOUS, operation: "UPDATE", id, data: { count: 500 } });

  it("are kept from all tasks until the commit, outside any task", async () => {
    let claimed: Promise<unknown> | undefined;
    const seen: unknown[] = [];
    said = {
      hooks: {
        async afterUpdate() {
          seen.push(isInsideTask(), currentTask());
          reportProgress("nobody sees this");
          await registerDescendants("Label", ["7"]);
          await registerDescendants("Label", ["7"]);
          claimed = engine.ports.unitOfWork.run(async (transaction) => {
            await engine.ports.locks.acquire(transaction, createId(new Date()), [
              { model: "Label", ids: ["7"] },
            ]);
            seen.push("claimed");
          });
        },
        afterCreate: () => undefined,
      },
    };
    expect(await update("7")).toEqual({ kind: "WRITTEN", id: "7" });
    seen.push("written");
    await claimed;
    expect(seen.slice(0, 2)).toEqual([false, undefined]);
    expect(seen).toContain("claimed");
  });

  it("that a task holds refuse the write, and name it", async () => {
    said = registering;
    const holder = await holdLabel("7");
    expect(await update("7")).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Label", id: "7", heldBy: { id: holder.task.id } }],
    });
    expect(await changedIds()).toEqual([]);
    expect(await update("8")).toEqual({ kind: "WRITTEN", id: "8" });
  });
});

describe("descendants that a custom task registers", () => {
  it("belong to it at once, and are free once it has settled", async () => {
    let seen: unknown;
    handle = async ({ task }) => {
      await registerDescendants("Label", [1, 2]);
      await registerDescendants("Label", [2, 3]);
      seen = [isInsideTask(), currentTask()?.id === task.id, [...(await owners(["1", "2", "3"])).values()]];
      return null;
    };
    const { id } = await launchCustom();
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED" });
    expect(seen).toEqual([true, true, [id, id, id]]);
    expect(await owners(["1", "2", "3"])).toEqual(new Map());
  });

  it("that another task holds fail it, and its errors name the records and the holder", async () => {
    const holder = await holdLabel("7");
    handle = async () => {
      await registerDescendants("Label", [6, 7]);
      return null;
    };
    const task = await engine.settled((await launchCustom()).id);
    expect(task).toMatchObject({ status: "FAILED", message: `Task ${holder.task.id} holds Label 7.` });
    expect(await errorsOf(task)).toMatchObject([{ recordId: "7", outcome: "FAILED", code: "RECORD_LOCKED" }]);
  });

  it("that another task holds are waited for under WAIT, until it is cancelled", async () => {
    const holder = await holdLabel("7");
    handle = async () => {
      await registerDescendants("Label", "all");
      return "had all";
    };
    const first = await launchCustom({ onConflict: "WAIT" });
    await untilSays(first.id, `holds Label 7`);
    await cancelTask(engine.ports, { taskId: first.id, viewer: ANONYMOUS });
    expect(await engine.settled(first.id)).toMatchObject({ status: "CANCELLED" });

    const second = await launchCustom({ onConflict: "WAIT" });
    await untilSays(second.id, `holds Label 7`);
    await settleHolder(holder);
    expect(await engine.settled(second.id)).toMatchObject({ status: "SUCCEEDED", result: "had all" });
    expect(await engine.session.query("SELECT * FROM powercrud.task_wait")).toEqual([]);
  });

  it("of a queued task are waited for in its place: the only worker is not stuck", async () => {
    handle = async ({ task }) => {
      if (task.label === "waits") {
        await registerDescendants("Label", ["7"]);
      }
      return null;
    };
    const holder = await holdRecords(engine.pool, [{ model: "Label", ids: ["7"] }]);
    await engine.session.query("UPDATE powercrud.task SET kind = 'custom' WHERE id = $1::uuid", [
      holder.task.id,
    ]);
    const { id } = await launchCustom({ onConflict: "WAIT", label: "waits" });
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED" });
    expect(await engine.task(holder.task.id)).toMatchObject({ status: "SUCCEEDED", attempt: 1 });
  });

  it("of a task in line for them are taken all the same, since it holds nothing", async () => {
    const waiting = createId(new Date());
    await engine.ports.unitOfWork.run(async (transaction) => {
      const { locks } = engine.ports;
      const other = createId(new Date());
      await locks.acquire(transaction, other, [{ model: "Label", ids: ["1"] }]);
      await locks.acquireOrWait(transaction, waiting, [{ model: "Label", ids: ["1", "2"] }]);
    });
    handle = async () => {
      await registerDescendants("Label", ["2"]);
      return null;
    };
    expect(await engine.settled((await launchCustom()).id)).toMatchObject({ status: "SUCCEEDED" });
  });

  it("that wait for each other in a circle fail one of the tasks, and the other goes on", async () => {
    const reached = new Map<string, () => void>();
    const both = Promise.all(
      ["1", "2"].map((label) => new Promise<void>((resolve) => void reached.set(label, resolve))),
    );
    handle = async ({ task }) => {
      const own = task.label ?? "";
      await registerDescendants("Label", [own]);
      reached.get(own)?.();
      await both;
      await registerDescendants("Label", [own === "1" ? "2" : "1"]);
      return null;
    };
    // Run in the request: there is one worker only.
    const tasks = await Promise.all(
      ["1", "2"].map((label) => launchCustom({ onConflict: "WAIT", mode: "SYNC", label })),
    );
    const settled = await Promise.all(tasks.map(({ id }) => engine.settled(id)));
    expect(settled.map(({ status }) => status).toSorted()).toEqual(["FAILED", "SUCCEEDED"]);
    const failed = settled.find(({ status }) => status === "FAILED");
    const other = settled.find(({ status }) => status === "SUCCEEDED");
    expect(failed?.message).toBe(
      `None of these tasks could ever go on, so this one fails: task ${failed?.id} waits for task ${other?.id}, which waits for task ${failed?.id}.`,
    );
  });
});

describe("dependents that a model's options name", () => {
  const dependents = { Label: (ids: readonly string[]) => ids };

  it("are claimed at the launch, so that a task which holds one of them refuses it", async () => {
    let seen: unknown;
    said = {
      dependents,
      hooks: {
        async beforeUpdate({ records }, { task }) {
          const held = await owners(records.map(({ id }) => id));
          seen = held.size === 20 && [...held.values()].every((owner) => owner === task?.id);
        },
      },
    };
    expect(await run()).toMatchObject({ status: "SUCCEEDED" });
    expect(seen).toBe(true);
    const holder = await holdLabel("7");
    expect(await engine.launch({ ...INCREMENT, options: SKIP_FAILED })).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Label", id: "7", heldBy: { id: holder.task.id } }],
    });
    const ids = { selection: { ids: ["8"] } } as const;
    expect(await engine.launch({ ...INCREMENT, ...ids, options: SKIP_FAILED })).toMatchObject({
      kind: "LAUNCHED",
    });
  });

  it("are guarded by a single write", async () => {
    said = { dependents };
    const holder = await holdLabel("7");
    const update = (id: string): ReturnType<EngineFixture["writeOne"]> =>
      engine.writeOne({ model: "Thing", viewer: ANONYMOUS, operation: "UPDATE", id, data: { count: 500 } });
    expect(await update("7")).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ heldBy: { id: holder.task.id } }],
    });
    expect(await update("8")).toEqual({ kind: "WRITTEN", id: "8" });
  });

  it("of a custom task are claimed with its own claims, or waited for", async () => {
    const holder = await holdLabel("7");
    const launchDependent = (onConflict: "REJECT" | "WAIT"): ReturnType<typeof launchCustomTask> =>
      launchCustomTask(engine.ports, {
        kind: "dependent",
        input: "7",
        options: { mode: "ASYNC", onConflict, allowDuplicate: true },
      });
    expect(await launchDependent("REJECT")).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Label", id: "7" }],
    });
    const waiting = await launchDependent("WAIT");
    if (waiting.kind !== "LAUNCHED") {
      throw new Error(waiting.message);
    }
    expect(waiting.task).toMatchObject({ status: "WAITING", blockedBy: holder.task.id });
    await settleHolder(holder);
    await promoteWaiting(engine.ports, holder.task.id);
    expect(await engine.settled(waiting.task.id)).toMatchObject({ status: "SUCCEEDED", result: true });
  });
});

describe("the context of a task", () => {
  it("is its own in tasks that run side by side, across awaits, timers and callbacks", async () => {
    handle = async ({ task }) => {
      const same: boolean[] = [];
      const look = (): void => void same.push(currentTask()?.id === task.id && isInsideTask());
      for (let step = 0; step < 20; step += 1) {
        await (step % 2 === 0 ? new Promise(setImmediate) : engine.session.query("SELECT 1"));
        look();
      }
      await new Promise<void>((resolve) => {
        setTimeout(() => {
          look();
          resolve();
        }, 1);
      });
      await Promise.all([Promise.resolve().then(look), new Promise(process.nextTick).then(look)]);
      return same.every(Boolean) && same.length === 23;
    };
    const tasks = await Promise.all(Array.from({ length: 12 }, () => launchCustom({ mode: "SYNC" })));
    const settled = await Promise.all(tasks.map(({ id }) => engine.task(id)));
    expect(settled.map(({ result }) => result)).toEqual(tasks.map(() => true));
    expect([isInsideTask(), currentTask()]).toEqual([false, undefined]);
  });

  it("ends with the attempt: code that outlives it is told so", async () => {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    let leaked: Promise<unknown> | undefined;
    handle = async () => {
      leaked = ended.then(async () => [
        isInsideTask(),
        await registerDescendants("Label", ["1"]).catch((error: unknown) => error),
        await Promise.resolve()
          .then(() => currentTask())
          .catch((error: unknown) => error),
      ]);
      return null;
    };
    const { id } = await launchCustom();
    await engine.settled(id);
    end();
    const over = { code: "OUTSIDE_TASK", message: expect.stringContaining(`task ${id} (custom)`) };
    expect(await leaked).toMatchObject([false, over, over]);
    await expect(registerDescendants("Label", ["1"])).rejects.toMatchObject({ code: "OUTSIDE_TASK" });
    expect(() => reportProgress("nobody")).not.toThrow();
  });

  it("shows messages beside the counts of a bulk operation, and adds to those of a custom task", async () => {
    said = { hooks: { afterUpdate: () => reportProgress(5, "half way") } };
    const task = await engine.launched({ ...INCREMENT, options: SKIP_FAILED });
    const says = untilSays(task.id, "half way");
    expect(await engine.settled(task.id)).toMatchObject({ progress: { succeeded: 40, processed: 40 } });
    await says;
    handle = async () => {
      reportProgress(2);
      reportProgress({ skipped: 1 }, "done");
      return null;
    };
    expect(await engine.settled((await launchCustom()).id)).toMatchObject({
      progress: { succeeded: 2, skipped: 1 },
    });
  });
});

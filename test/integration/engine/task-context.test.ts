import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { currentTask, isInsideTask, registerDescendants, reportProgress } from "../../../src/index.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { createId } from "../../../src/kernel/ids.ts";
import { holdRecords } from "../../support/hold-records.ts";
import { INCREMENT, SKIP_FAILED } from "../../support/hooks-engine.ts";
import type { NestedEngine } from "../../support/nested-engine.ts";
import { createNestedEngine } from "../../support/nested-engine.ts";

let nested: NestedEngine;
let { engine, app, launchCustom, errorsOf, owners, holdLabel, settleHolder, untilSays } = {} as NestedEngine;

beforeAll(async () => {
  nested = await createNestedEngine();
  ({ engine, app, launchCustom, errorsOf, owners, holdLabel, settleHolder, untilSays } = nested);
});
afterAll(() => engine.stop());
beforeEach(() => nested.reset());

describe("descendants that a custom task registers", () => {
  it("belong to it at once, and are free once it has settled", async () => {
    let seen: unknown;
    app.run = async ({ task }) => {
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
    app.run = async () => {
      await registerDescendants("Label", [6, 7]);
      return null;
    };
    const task = await engine.settled((await launchCustom()).id);
    expect(task).toMatchObject({ status: "FAILED", message: `Task ${holder.task.id} holds Label 7.` });
    expect(await errorsOf(task)).toMatchObject([{ recordId: "7", outcome: "FAILED", code: "RECORD_LOCKED" }]);
  });

  it("that another task holds are waited for under WAIT, until it is cancelled", async () => {
    const holder = await holdLabel("7");
    app.run = async () => {
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
    app.run = async ({ task }) => {
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
    app.run = async () => {
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
    app.run = async ({ task }) => {
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

describe("the context of a task", () => {
  it("is its own in tasks that run side by side, across awaits, timers and callbacks", async () => {
    app.run = async ({ task }) => {
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
    app.run = async () => {
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
    app.rules = { hooks: { afterUpdate: () => reportProgress(5, "half way") } };
    const task = await engine.launched({ ...INCREMENT, options: SKIP_FAILED });
    const says = untilSays(task.id, "half way");
    expect(await engine.settled(task.id)).toMatchObject({ progress: { succeeded: 40, processed: 40 } });
    await says;
    app.run = async () => {
      reportProgress(2);
      reportProgress({ skipped: 1 }, "done");
      return null;
    };
    expect(await engine.settled((await launchCustom()).id)).toMatchObject({
      progress: { succeeded: 2, skipped: 1 },
    });
  });

  it("shows the last message of a silent task also to those who come right after it", async () => {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    app.run = async () => {
      reportProgress("half way");
      await ended;
      return null;
    };
    const events = engine.feed.subscribe();
    const isSaid = (async (): Promise<void> => {
      for await (const { event } of events) {
        if (event.progress.message === "half way") {
          return;
        }
      }
    })();
    const { id } = await launchCustom();
    await isSaid;
    // The store gets messages a second later.
    expect((await engine.task(id)).progress.message).toBeNull();
    await untilSays(id, "half way");
    end();
    await engine.settled(id);
  });
});

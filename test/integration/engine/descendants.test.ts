import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { currentTask, isInsideTask, registerDescendants, reportProgress } from "../../../src/index.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import { promoteWaiting } from "../../../src/core/tasks/settle/promote-waiting.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import { createTaskDefinitions } from "../../../src/core/tasks/task-definition.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import { createId } from "../../../src/kernel/ids.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { ALL_OR_NOTHING, INCREMENT, SKIP_FAILED } from "../../support/hooks-engine.ts";
import type { NestedEngine } from "../../support/nested-engine.ts";
import { PATIENT } from "../../support/sweep-options.ts";
import { createNestedEngine } from "../../support/nested-engine.ts";

let nested: NestedEngine;
let { engine, app, run, changedIds, errorsOf, owners, holdLabel, settleHolder, untilSays } =
  {} as NestedEngine;

beforeAll(async () => {
  nested = await createNestedEngine();
  ({ engine, app, run, changedIds, errorsOf, owners, holdLabel, settleHolder, untilSays } = nested);
});
afterAll(() => engine.stop());
beforeEach(() => nested.reset());

/** Each thing has one label, with its own id: the hook registers the labels of the written things. */
const registering: NestedEngine["app"]["rules"] = {
  hooks: {
    async afterUpdate({ records }) {
      await registerDescendants(
        "Label",
        records.map(({ id }) => id),
      );
    },
  },
};

describe("descendants that a hook of a bulk operation registers", () => {
  it("belong to the task while it runs, may be registered twice, and are free once it has settled", async () => {
    const seen: unknown[] = [];
    app.rules = {
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
    app.rules = {
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
    app.rules = registering;
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
    app.rules = registering;
    const holder = await holdLabel("27");
    const task = await run(ALL_OR_NOTHING);
    expect(task).toMatchObject({ status: "FAILED", progress: { succeeded: 0, failed: 1 } });
    expect(task.message).toContain(`Record 27: It changes other records, too. Task ${holder.task.id} holds`);
    expect(await changedIds()).toEqual([]);
    expect(await owners(["1"])).toEqual(new Map());
  });

  it("that another task holds make their records skipped under SKIP", async () => {
    app.rules = registering;
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
      app.rules = registering;
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
    app.rules = {
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
    app.rules = registering;
    await holdLabel("7");
    const task = await run({ ...SKIP_FAILED, dryRun: true });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 39, failed: 1 } });
    expect(await errorsOf(task)).toMatchObject([{ recordId: "7", code: "RECORD_LOCKED" }]);
  });

  it("must be records of a model: a hook with another name or id refuses its records with the reason", async () => {
    app.rules = { hooks: { beforeUpdate: () => registerDescendants("Label", ["x"]) } };
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
    app.rules = {
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
    app.rules = registering;
    const holder = await holdLabel("7");
    expect(await update("7")).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Label", id: "7", heldBy: { id: holder.task.id } }],
    });
    expect(await changedIds()).toEqual([]);
    expect(await update("8")).toEqual({ kind: "WRITTEN", id: "8" });
  });
});

describe("a task in line that cannot be let go on", () => {
  const launchDependent = async (input: string): Promise<Task> => {
    const options = { mode: "ASYNC", onConflict: "WAIT", allowDuplicate: true } as const;
    const outcome = await launchCustom(engine.ports, { kind: "dependent", input, options });
    if (outcome.kind !== "LAUNCHED") {
      throw new Error(outcome.message);
    }
    return outcome.task;
  };

  it("fails where its definition throws, and keeps nobody behind it from going on, nor the sweeper from its work", async () => {
    const holder = await holdLabel("7");
    const [first, behind] = [await launchDependent("first"), await launchDependent("behind")];
    expect([first.status, behind.status]).toEqual(["WAITING", "WAITING"]);
    app.isDependentWrong = (input) => input === "first";
    await settleHolder(holder);
    expect(await sweep(engine.ports, PATIENT)).toMatchObject({ failed: [first.id] });
    expect(await engine.settled(first.id)).toMatchObject({
      status: "FAILED",
      message: "Its turn came, and its dependent records could not be read: no such column",
    });
    expect(await engine.settled(behind.id)).toMatchObject({ status: "SUCCEEDED" });
  });

  it("fails where no process has known its kind for the time that the setting allows", async () => {
    const holder = await holdLabel("7");
    const { id } = await launchDependent("orphan");
    await settleHolder(holder);
    const { definitions: _, ...blind } = engine.ports;
    const ignorant = { ...blind, definitions: createTaskDefinitions([]) };
    const isKindServed = async (): Promise<boolean> => false;
    for (const ports of [
      { ...blind, isKindServed, unknownKindWaitMs: 0 },
      { ...ignorant, isKindServed, unknownKindWaitMs: 60_000 },
      { ...ignorant, isKindServed: async () => true, unknownKindWaitMs: 0 },
    ]) {
      expect(await sweep(ports, PATIENT)).toMatchObject({ failed: [], promoted: [] });
    }
    expect(await sweep({ ...ignorant, isKindServed, unknownKindWaitMs: 0 }, PATIENT)).toMatchObject({
      failed: [id],
    });
    const failed = await engine.task(id);
    expect(failed).toMatchObject({
      status: "FAILED",
      message: expect.stringContaining('knew the kind "dependent"'),
    });
    expect(await errorsOf(failed)).toMatchObject([{ code: "UNKNOWN_KIND" }]);
  });
});

describe("dependents that a model's options name", () => {
  // option: models.dependents
  const dependents = { Label: (ids: readonly string[]) => ids };

  it("are claimed at the launch, so that a task which holds one of them refuses it", async () => {
    let seen: unknown;
    app.rules = {
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
    app.rules = { dependents };
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
    const launchDependent = (onConflict: "REJECT" | "WAIT"): ReturnType<typeof launchCustom> =>
      launchCustom(engine.ports, {
        // option: tasks.dependents
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

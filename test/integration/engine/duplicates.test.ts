import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BulkRequest, BulkTarget } from "../../../src/core/bulk/bulk-request.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import type { CustomLaunch } from "../../../src/core/tasks/launch/launch-custom.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import type { LaunchOptions } from "../../../src/core/tasks/launch-options.ts";
import type { Launched, LaunchOutcome } from "../../../src/core/tasks/launch/launch-outcome.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, createHeldThings } from "../../support/engine-fixture.ts";
import { withDeadline } from "../../support/deadline.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { idsFrom } from "../../support/ids-from.ts";
import { emptying } from "../../support/empty-tables.ts";

let engine: EngineFixture;
const { hold, releaseAll } = createHeldThings(() => engine);
/** Ends the running custom tasks. */
let finish: () => void;
let isFinished: Promise<void>;

beforeAll(async () => {
  engine = await createEngineFixture({
    tasks: [
      defineTask({ kind: "patient", run: () => isFinished }),
      defineTask({ kind: "calm", run: () => isFinished }),
    ],
  });
});
afterAll(() => engine.stop());
afterEach(releaseAll);
beforeEach(async () => {
  ({ promise: isFinished, resolve: finish } = withResolvers());
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 100);
});

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

type Target = Partial<BulkRequest> & Pick<BulkTarget, "operation">;

/** A change that differs when it runs twice. */
const INCREMENT = {
  operation: "UPDATE",
  change: { count: { increment: 1 } },
  selection: { ids: idsFrom(1, 50) },
} as const satisfies Target;

function launched(outcome: LaunchOutcome): Launched {
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(`the launch was refused: ${outcome.kind} ${outcome.message}`);
  }
  return outcome;
}

/** Resolves once there is a task besides those, and it runs. */
function started(before: number): Promise<void> {
  const look = async (): Promise<void> => {
    const runs = async (): Promise<boolean> =>
      (await engine.ports.tasks.count({})) > before &&
      (await engine.ports.tasks.list({ limit: 1 }))[0]?.status === "RUNNING";
    while (!(await runs())) {
      // Asked again at once: each look is a round trip.
    }
  };
  return withDeadline(look(), 15_000, "a task to run");
}

async function counts(): Promise<readonly number[]> {
  const rows = await engine.session.query<{ count: number }>(
    "SELECT count - id % 100 AS count FROM thing ORDER BY id",
  );
  return rows.map(({ count }) => count);
}

describe("an identical launch", () => {
  it.each([
    ["by ids", INCREMENT],
    ["by filter", { ...INCREMENT, selection: { where: {} } }],
    [
      "of a list",
      { operation: "UPDATE_EACH", records: idsFrom(1, 50).map((id) => ({ id, data: { count: 5 } })) },
    ],
  ] satisfies readonly (readonly [string, Target])[])(
    "%s is answered with the unsettled task, and runs once",
    async (_name, target) => {
      const letGo = await hold(1);
      const first = launched(await engine.launch(target));
      const second = launched(await engine.launch(target));
      expect(first.isDuplicate).toBe(false);
      expect(second).toMatchObject({ isDuplicate: true, task: { id: first.task.id } });
      await letGo();
      await engine.settled(first.task.id);
      const third = launched(await engine.launch(target));
      expect(third.isDuplicate).toBe(false);
      expect(third.task.id).not.toBe(first.task.id);
      await engine.settled(third.task.id);
    },
  );

  it.each(["REJECT", "SKIP", "WAIT"] as const)(
    "among many at once with %s creates one task",
    async (onConflict) => {
      const letGo = await hold(1);
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () => engine.launch({ ...INCREMENT, options: { onConflict } })),
      );
      const all = outcomes.map(launched);
      expect(all.filter(({ isDuplicate }) => !isDuplicate)).toHaveLength(1);
      expect(new Set(all.map(({ task }) => task.id)).size).toBe(1);
      await letGo();
      await engine.settled(all[0]?.task.id ?? "");
      expect(await counts()).toEqual(idsFrom(1, 100).map((id) => (Number(id) <= 50 ? 1 : 0)));
    },
  );

  it("in another request does not wait for the first, which may still run", async () => {
    const few = { ...INCREMENT, selection: { ids: ["1", "2"] } } as const;
    const letGo = await hold(1);
    const before = await engine.ports.tasks.count({});
    const running = engine.launch(few);
    await started(before);
    const second = launched(await engine.launch(few));
    expect(second).toMatchObject({ isDuplicate: true, task: { status: "RUNNING" } });
    await letGo();
    expect(launched(await running)).toMatchObject({
      isDuplicate: false,
      task: { id: second.task.id, status: "SUCCEEDED" },
    });
    expect((await counts()).slice(0, 3)).toEqual([1, 1, 0]);
  });

  it("of a custom task has the same kind and input", async () => {
    const patient = async (parts: Partial<CustomLaunch>): Promise<Launched> =>
      launched(await launchCustom(engine.ports, { kind: "patient", input: { a: 1, b: 2 }, ...parts }));
    const first = await patient({});
    expect(await patient({ input: { b: 2, a: 1 } })).toMatchObject({
      isDuplicate: true,
      task: { id: first.task.id },
    });
    const others = [
      await patient({ input: { a: 2 } }),
      await patient({ kind: "calm" }),
      await patient({ viewer: { id: "ann" } }),
      await patient({ options: { allowDuplicate: true } }),
    ];
    expect(others.map(({ isDuplicate }) => isDuplicate)).toEqual([false, false, false, false]);
    finish();
    for (const { task } of [first, ...others]) {
      await engine.settled(task.id);
    }
  });
});

describe("a launch is no duplicate", () => {
  const differences: readonly (readonly [string, Target])[] = [
    ["with another change", { ...INCREMENT, change: { count: { increment: 2 } } }],
    ["on other records", { ...INCREMENT, selection: { ids: idsFrom(1, 49) } }],
    ["by another viewer", { ...INCREMENT, viewer: { id: "bea" } }],
    ["with another error policy", { ...INCREMENT, options: { errorPolicy: "SKIP_FAILED" } }],
    ["as a dry run", { ...INCREMENT, options: { dryRun: true } }],
    ["with allowDuplicate", { ...INCREMENT, options: { allowDuplicate: true } }],
    ["with an idempotency key of its own", { ...INCREMENT, options: { idempotencyKey: "another" } }],
  ];

  it.each(differences)("%s", async (_name, target) => {
    const letGo = await hold(1);
    const { task } = launched(await engine.launch(INCREMENT));
    expect(await engine.launch(target)).toMatchObject({ kind: "CONFLICT" });
    await letGo();
    await engine.settled(task.id);
  });

  it("of one with an idempotency key", async () => {
    const letGo = await hold(1);
    const { task } = launched(await engine.launch({ ...INCREMENT, options: { idempotencyKey: "first" } }));
    expect(await engine.launch(INCREMENT)).toMatchObject({ kind: "CONFLICT" });
    await letGo();
    await engine.settled(task.id);
  });

  it("if the caller allows it, and may wait in line", async () => {
    const letGo = await hold(1);
    const options: LaunchOptions = { onConflict: "WAIT", allowDuplicate: true };
    const first = launched(await engine.launch({ ...INCREMENT, options }));
    const second = launched(await engine.launch({ ...INCREMENT, options }));
    expect(second).toMatchObject({
      isDuplicate: false,
      task: { status: "WAITING", blockedBy: first.task.id },
    });
    await letGo();
    await engine.settled(second.task.id);
    expect((await counts())[0]).toBe(2);
  });
});

describe("an idempotency key", () => {
  it("answers simultaneous and later launches with the first task, and refuses other input", async () => {
    const options: LaunchOptions = { idempotencyKey: "once" };
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => engine.launch({ ...INCREMENT, options })),
    );
    const all = outcomes.map(launched);
    expect(all.filter(({ isDuplicate }) => !isDuplicate)).toHaveLength(1);
    const id = all[0]?.task.id ?? "";
    await engine.settled(id);
    expect(launched(await engine.launch({ ...INCREMENT, options }))).toMatchObject({
      isDuplicate: true,
      task: { id, status: "SUCCEEDED" },
    });
    expect(await counts()).toEqual(idsFrom(1, 100).map((at) => (Number(at) <= 50 ? 1 : 0)));
    expect(await engine.launch({ ...INCREMENT, options: { ...options, dryRun: true } })).toMatchObject({
      kind: "IDEMPOTENCY_MISMATCH",
      task: { id },
    });
  });
});

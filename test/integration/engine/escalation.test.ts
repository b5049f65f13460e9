import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { LaunchOutcome } from "../../../src/core/tasks/launch/launch-outcome.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;
const ids = (first: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => String(first + at));

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture({
    lockEscalationRecords: 30,
    // There is no row scope: these tests only look at locks on the whole model.
    modelOptions: {
      Thing: { lockScope: (viewer) => (viewer.id === null ? undefined : `tenant ${viewer.id}`) },
    },
  });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 200);
});

function setCount(
  selected: readonly string[],
  options: object = SKIP_FAILED,
  viewerId: string | null = null,
): Promise<LaunchOutcome> {
  return engine.launch({
    operation: "UPDATE",
    change: { count: { set: 7 } },
    selection: { ids: selected },
    viewer: { id: viewerId },
    options,
  });
}

function taskOf(outcome: LaunchOutcome): string {
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(outcome.message);
  }
  return outcome.task.id;
}

describe("a claim above the limit", () => {
  it("is on the whole model: no other task gets a record, and no record can be created", async () => {
    const release = await holdRecord(engine, 1);
    const task = taskOf(await setCount(ids(1, 31)));
    expect(await engine.ports.locks.heldBy(task)).toEqual([{ model: "Thing", ids: "all" }]);
    expect(await setCount(["150"])).toMatchObject({
      kind: "CONFLICT",
      totalConflicts: 1,
      conflicts: [{ model: "Thing", id: null, owner: task }],
    });
    const created = await engine.ports.unitOfWork.run((transaction) =>
      engine.ports.locks.guard(transaction, [{ model: "Thing", ids: [""] }]),
    );
    expect(created).toMatchObject({ kind: "CONFLICT", conflicts: [{ id: null, owner: task }] });
    await release();
    expect((await engine.settled(task)).progress).toMatchObject({ succeeded: 31, total: 31 });
    expect((await engine.settled(taskOf(await setCount(["150"])))).status).toBe("SUCCEEDED");
  });

  it("is on records up to the limit", async () => {
    const release = await holdRecord(engine, 1);
    const task = taskOf(await setCount(ids(1, 30)));
    expect(await engine.ports.locks.heldBy(task)).toMatchObject([{ model: "Thing" }]);
    expect(await engine.ports.locks.owners("Thing", ["30", "31"])).toEqual(new Map([["30", task]]));
    await release();
    await engine.settled(task);
  });

  it("takes the free records one by one under SKIP while a record of the model is held", async () => {
    const release = await holdRecord(engine, 1);
    const holder = taskOf(await setCount(["1"]));
    const task = taskOf(await setCount(ids(1, 40), { ...SKIP_FAILED, onConflict: "SKIP" }));
    expect((await engine.settled(task)).progress).toMatchObject({ total: 40, succeeded: 39, skipped: 1 });
    await release();
    await engine.settled(holder);
  });

  it("gets the whole model under WAIT once all of it is free", async () => {
    const release = await holdRecord(engine, 1);
    const holder = taskOf(await setCount(["1"]));
    const waiting = taskOf(await setCount(ids(100, 40), { ...SKIP_FAILED, onConflict: "WAIT" }));
    expect((await engine.task(waiting)).status).toBe("WAITING");
    await release();
    await engine.settled(holder);
    expect((await engine.settled(waiting)).status).toBe("SUCCEEDED");
  });

  it("blocks only its own scope", async () => {
    const release = await holdRecord(engine, 1);
    const north = taskOf(await setCount(ids(1, 40), SKIP_FAILED, "north"));
    expect(await setCount(["150"], SKIP_FAILED, "north")).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ id: null, owner: north }],
    });
    expect(await setCount(["150"])).toMatchObject({ kind: "CONFLICT" });
    const south = taskOf(await setCount(ids(100, 40), SKIP_FAILED, "south"));
    expect((await engine.settled(south)).status).toBe("SUCCEEDED");
    await release();
    await engine.settled(north);
  });
});

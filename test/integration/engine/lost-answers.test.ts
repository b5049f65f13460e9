import type { PoolClient } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createPgUnitOfWork } from "../../../src/adapters/postgres/connection/pg-unit-of-work.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { AppError } from "../../../src/kernel/app-error.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { sweepNow } from "../../../src/core/sweeper/sweep.ts";
import type { LaunchRequest } from "../../../src/core/tasks/launch/launch-request.ts";
import type { LaunchPorts } from "../../../src/core/tasks/launch/launch-task.ts";
import type { QuickSteps } from "../../../src/core/tasks/settle/quick-steps.ts";
import { ORPHANS_AT_ONCE, PATIENT } from "../../support/sweep-options.ts";
import type { LaunchOutcome } from "../../../src/core/tasks/launch/launch-outcome.ts";
import { launchTask } from "../../../src/core/tasks/launch/launch-task.ts";
import { retryWaiting } from "../../../src/core/tasks/settle/promote-waiting.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { UnitOfWork } from "../../../src/core/transactions/transaction.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;

/** What happens to the next COMMIT on a connection: its answer is lost, or it never arrives. */
type Loss = "ANSWER" | "COMMIT";

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 20);
});

/** A unit of work on the engine's database whose connection breaks at the commit. */
function breaking(loss: Loss, beforeEffects: () => Promise<void> = () => Promise.resolve()): UnitOfWork {
  let isFirst = true;
  const connect = async (): Promise<PoolClient> => {
    const client = await engine.pool.connect();
    if (!isFirst) {
      return client;
    }
    isFirst = false;
    const query = client.query.bind(client) as (...parts: readonly unknown[]) => Promise<unknown>;
    const broken = async (...parts: readonly unknown[]): Promise<unknown> => {
      if (parts[0] !== "COMMIT") {
        return query(...parts);
      }
      await query(loss === "ANSWER" ? "COMMIT" : "ROLLBACK");
      await beforeEffects();
      throw Object.assign(new Error("Connection terminated unexpectedly"), { code: "ECONNRESET" });
    };
    return Object.assign(client, { query: broken });
  };
  return createPgUnitOfWork({ pool: { connect }, logger: createSilentLogger() });
}

function setCount(ids: readonly string[], options: object = SKIP_FAILED): Promise<Task> {
  return engine.launched({
    operation: "UPDATE",
    change: { count: { set: 5 } },
    selection: { ids },
    options,
  });
}

/** A launch on records 1 and 2 whose transaction loses its connection. */
function launchOver(loss: Loss): Promise<LaunchOutcome> {
  // Without quick steps, which have no transaction of several statements.
  const { steps: _quick, ...ports } = engine.ports;
  return launchTask(
    { ...ports, unitOfWork: breaking(loss) },
    {
      kind: "bulkUpdate",
      model: "Thing",
      viewer: ANONYMOUS,
      input: { data: { count: { set: 5 } } },
      inputHash: "hash",
      options: { ...SKIP_FAILED, label: "lost" },
      claims: [{ model: "Thing", ids: "chunks" }],
      records: ["1", "2"],
      maxChunkRecords: 100,
      total: 2,
    },
  );
}

describe("a commit whose answer is lost", () => {
  it("leaves the created task with its locks", async () => {
    const lost = await launchOver("ANSWER");
    expect(lost.kind).toBe("UNAVAILABLE");
    const [task] = await engine.ports.tasks.list({ limit: 1 });
    expect(task).toMatchObject({ label: "lost", status: "PENDING" });
    expect(await engine.ports.locks.heldBy(task?.id ?? "")).toEqual([{ model: "Thing", ids: ["1", "2"] }]);
    const second = await engine.launch({
      operation: "UPDATE",
      change: { count: { set: 6 } },
      selection: { ids: ["2"] },
    });
    expect(second).toMatchObject({ kind: "CONFLICT", conflicts: [{ id: "2", owner: task?.id }] });
    await engine.ports.queue.enqueue([{ id: task?.id ?? "", attempt: 0 }]);
    await engine.settled(task?.id ?? "");
  });

  it("that never arrived leaves no lock", async () => {
    expect((await launchOver("COMMIT")).kind).toBe("UNAVAILABLE");
    expect(await lockOwners(engine.session)).toEqual([]);
  });
});

describe("a quick step whose answer is lost", () => {
  const unavailable = (): never => {
    throw new AppError("UNAVAILABLE", "The connection was lost.");
  };
  const increment = (mode: "ASYNC" | "SYNC"): LaunchRequest => ({
    kind: "bulkUpdate",
    model: "Thing",
    viewer: ANONYMOUS,
    input: { data: { count: { increment: 1 } } },
    inputHash: `increment ${mode}`,
    options: { errorPolicy: "SKIP_FAILED", mode },
    claims: [{ model: "Thing", ids: "chunks" }],
    records: ["3"],
    maxChunkRecords: 100,
    total: 1,
  });
  const countOf3 = async (): Promise<number> =>
    (await engine.session.query<{ count: number }>("SELECT count FROM thing WHERE id = 3"))[0]?.count ?? 0;
  /** Does the step, and loses what it answers. */
  const losing = (step: "launch" | "settle"): LaunchPorts => {
    const steps = engine.ports.steps as QuickSteps;
    const lost = async (...parts: never[]): Promise<never> => {
      expect(await (steps[step] as (...given: never[]) => Promise<unknown>)(...parts)).toBeDefined();
      return unavailable();
    };
    return { ...engine.ports, steps: { ...steps, [step]: lost } };
  };

  it.each([
    // A running attempt that looks orphaned would be the worker's own.
    ["ASYNC", "PENDING", 1, PATIENT],
    ["SYNC", "RUNNING", 2, ORPHANS_AT_ONCE],
  ] as const)(
    "at the launch, mode %s, leaves a task that answers the repeated launch, and is done once",
    async (mode, status, attempt, options) => {
      const before = await countOf3();
      expect((await launchTask(losing("launch"), increment(mode))).kind).toBe("UNAVAILABLE");
      const again = await launchTask(engine.ports, increment(mode));
      expect(again).toMatchObject({ kind: "LAUNCHED", isDuplicate: true, task: { status } });
      const { id } = again.kind === "LAUNCHED" ? again.task : { id: "" };
      await sweepNow(engine.ports, { ...options, enqueueGraceMs: 0 });
      expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", attempt });
      expect(await countOf3()).toBe(before + 1);
    },
  );

  it("at the end leaves a task that has ended, which is not run again", async () => {
    const before = await countOf3();
    const outcome = await launchTask(losing("settle"), increment("SYNC"));
    expect(outcome).toMatchObject({
      kind: "LAUNCHED",
      task: { status: "SUCCEEDED", isCleaned: true, attempt: 1 },
    });
    expect(await countOf3()).toBe(before + 1);
    expect(await lockOwners(engine.session)).toEqual([]);
  });
});

describe("a process that lost its transaction", () => {
  it("releases no lock of the task that another process has promoted meanwhile", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await setCount(["1"]);
    const waiting = await setCount(["1", "2"], { ...SKIP_FAILED, onConflict: "WAIT" });
    expect(waiting.status).toBe("WAITING");
    // No other process promotes or runs it before the check below.
    const quiet = { ...engine.ports, queue: { ...engine.ports.queue, enqueue: async () => undefined } };
    await engine.session.query("UPDATE powercrud.task SET blocked_by = gen_random_uuid() WHERE id = $1", [
      waiting.id,
    ]);
    await release();
    await engine.settled(holder.id);
    const unitOfWork = breaking("COMMIT", async () => {
      expect(await retryWaiting(quiet, { id: waiting.id, hasDependents: false })).toBe(true);
    });
    await expect(
      retryWaiting({ ...quiet, unitOfWork }, { id: waiting.id, hasDependents: false }),
    ).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await engine.task(waiting.id)).toMatchObject({ status: "PENDING" });
    expect(await engine.ports.locks.heldBy(waiting.id)).toEqual([{ model: "Thing", ids: ["1", "2"] }]);
    await engine.ports.queue.enqueue([{ id: waiting.id, attempt: 0 }]);
    expect((await engine.settled(waiting.id)).status).toBe("SUCCEEDED");
    expect(await lockOwners(engine.session)).toEqual([]);
  });
});

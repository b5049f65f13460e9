import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requiredSession } from "../../src/core/transactions/transaction.ts";
import { NO_COUNTS, progressOf } from "../../src/core/tasks/progress.ts";
import { openTransaction } from "./open-transaction.ts";
import { createPostgresWorld } from "./postgres-world.ts";
import type { PostgresWorld } from "./postgres-world.ts";
import { sampleTask } from "./sample-task.ts";
import { describeWorlds } from "./describe-worlds.ts";

describeWorlds("unit of work", (world) => {
  it("returns the work's value, and runs the commit's effects in order", async () => {
    const done: string[] = [];
    const task = sampleTask();
    const value = await world().unitOfWork.run(async (transaction) => {
      transaction.onCommit(async () => {
        done.push(
          (await world().tasks.find([task.id])).has(task.id) ? "first, committed" : "first, too early",
        );
      });
      transaction.onCommit(async () => void done.push("second"));
      transaction.onRollback(async () => void done.push("rolled back"));
      await world().tasks.create(transaction, task);
      return 42;
    });
    expect(value).toBe(42);
    expect(done).toEqual(["first, committed", "second"]);
  });

  it("throws the work's error, writes nothing, and runs the rollback's effects, last first", async () => {
    const done: string[] = [];
    const task = sampleTask();
    const error = new Error("on purpose");
    const run = world().unitOfWork.run(async (transaction) => {
      transaction.onCommit(async () => void done.push("committed"));
      transaction.onRollback(async () => void done.push("first"));
      transaction.onRollback(async () => void done.push("second"));
      await world().tasks.create(transaction, task);
      throw error;
    });
    await expect(run).rejects.toBe(error);
    expect(done).toEqual(["second", "first"]);
    expect((await world().tasks.find([task.id])).size).toBe(0);
  });

  it("keeps a commit whose effect fails, and runs the other effects", async () => {
    const done: string[] = [];
    const task = sampleTask();
    await world().unitOfWork.run(async (transaction) => {
      transaction.onCommit(() => Promise.reject(new Error("an effect fails")));
      transaction.onCommit(async () => void done.push("second"));
      await world().tasks.create(transaction, task);
    });
    expect(done).toEqual(["second"]);
    expect((await world().tasks.find([task.id])).size).toBe(1);
  });

  it("shows the writes of all stores at the same time", async () => {
    const task = sampleTask();
    const open = await openTransaction(world().unitOfWork);
    await world().tasks.create(open.transaction, task);
    await world().log.append(open.transaction, {
      taskId: task.id,
      type: "CREATE",
      at: task.createdAt,
      progress: progressOf(1, NO_COUNTS),
      message: null,
    });
    const eventsOf = (): Promise<unknown> => world().log.replay({ after: 0, taskIds: [task.id], limit: 10 });
    expect((await world().tasks.find([task.id])).size).toBe(0);
    expect(await eventsOf()).toHaveLength(0);
    await open.commit();
    expect((await world().tasks.find([task.id])).size).toBe(1);
    expect(await eventsOf()).toHaveLength(1);
  });
});

describe("unit of work: postgres only", () => {
  let world: PostgresWorld;
  beforeAll(async () => {
    world = await createPostgresWorld();
  });
  afterAll(() => world.close());

  /** Ends a connection, and returns once this process has noticed. */
  const terminate = async (pid: number | undefined): Promise<void> => {
    // Waits for the end itself: up to five seconds.
    await world.pool.query("SELECT pg_terminate_backend($1, 5000)", [pid]);
    await setImmediate();
    await world.pool.query("SELECT 1");
  };

  it("returns every connection to the pool, also after failures", async () => {
    for (let round = 0; round < 40; round += 1) {
      await world.unitOfWork.run(() => Promise.reject(new Error("on purpose"))).catch(() => undefined);
    }
    expect(world.pool.totalCount).toBe(world.pool.unusedCount);
    expect(world.pool.totalCount).toBe(1);
  });

  it("shows a task and its locks at the same time", async () => {
    const task = sampleTask();
    const open = await openTransaction(world.unitOfWork);
    await world.tasks.create(open.transaction, task);
    await world.locks.acquire(open.transaction, task.id, [{ model: "Together", ids: ["1"] }]);
    expect((await world.tasks.find([task.id])).size).toBe(0);
    expect(await world.locks.heldBy(task.id)).toEqual([]);
    await open.commit();
    expect((await world.tasks.find([task.id])).size).toBe(1);
    expect(await world.locks.heldBy(task.id)).toHaveLength(1);
  });

  it("reports no commit where PostgreSQL rolled back", async () => {
    const task = sampleTask();
    const run = world.unitOfWork.run(async (transaction) => {
      await world.tasks.create(transaction, task);
      await requiredSession(transaction)
        .query("SELECT 1 / 0")
        .catch(() => undefined);
    });
    await expect(run).rejects.toMatchObject({ code: "INTERNAL" });
    expect((await world.tasks.find([task.id])).size).toBe(0);
  });

  it("refuses statements once the transaction is over", async () => {
    const { session } = await world.unitOfWork.run(async (transaction) => transaction);
    await expect(session?.query("SELECT 1")).rejects.toThrow("the transaction is over");
  });

  it("reports a connection lost between two statements, runs the rollback's effects, and recovers", async () => {
    let isUndone = false;
    const run = world.unitOfWork.run(async (transaction) => {
      transaction.onRollback(async () => void (isUndone = true));
      const session = requiredSession(transaction);
      const [row] = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      await terminate(row?.pid);
      await session.query("SELECT 1");
    });
    await expect(run).rejects.toMatchObject({ code: "UNAVAILABLE", cause: expect.any(Error) });
    expect(isUndone).toBe(true);
    expect(await world.unitOfWork.run(async () => "again")).toBe("again");
    expect(world.pool.totalCount).toBe(world.pool.unusedCount);
  });

  it("opens READ COMMITTED transactions, and locks refuse any other", async () => {
    const level = await world.unitOfWork.run((transaction) =>
      requiredSession(transaction).query("SHOW transaction_isolation"),
    );
    expect(level).toEqual([{ transaction_isolation: "read committed" }]);
    // A snapshot from before the wait would let a claim and a guard pass each other.
    const client = await world.pool.connect();
    try {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
      const guard = client.query("SELECT * FROM powercrud.guard_record('Book', '1', '')");
      await expect(guard).rejects.toThrow("READ COMMITTED");
    } finally {
      client.release(true);
    }
  });
});

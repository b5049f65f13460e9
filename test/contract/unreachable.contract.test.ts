import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { NO_COUNTS, progressOf } from "../../src/core/tasks/progress.ts";
import type { Transaction } from "../../src/core/transactions/transaction.ts";
import { freePort } from "../support/free-port.ts";
import { createWorldAt } from "./postgres-world.ts";
import type { PostgresWorld } from "./postgres-world.ts";
import { createRedisTransportsAt } from "./redis-transports.ts";
import { sampleTask } from "./sample-task.ts";
import type { Transports } from "./world.ts";

const UNAVAILABLE = { name: "AppError", code: "UNAVAILABLE", cause: expect.anything() };

const subscriber = { onMessage: () => undefined, onGap: () => undefined };

describe("postgres out of reach", () => {
  let world: PostgresWorld;
  let transaction: Transaction;
  beforeAll(async () => {
    world = createWorldAt(`postgresql://unknown:secret@127.0.0.1:${await freePort()}/none`);
    transaction = {
      session: createPgSession(world.pool),
      onCommit: () => undefined,
      onRollback: () => undefined,
    };
  });
  afterAll(() => world.close());

  const claims = [{ model: "Book", ids: ["1"] }];
  const task = sampleTask();
  const event = {
    taskId: task.id,
    type: "CREATE",
    at: task.createdAt,
    progress: progressOf(1, NO_COUNTS),
    message: null,
  } as const;

  it.each<[string, () => Promise<unknown>]>([
    ["unitOfWork.run", () => world.unitOfWork.run(async () => undefined)],
    ["locks.acquire", () => world.locks.acquire(transaction, task.id, claims)],
    ["locks.enter", () => world.locks.enter(transaction, ["Book"])],
    ["locks.guard of one", () => world.locks.guard(transaction, claims)],
    ["locks.guard of a model", () => world.locks.guard(transaction, [{ model: "Book", ids: "all" }])],
    ["locks.release", () => world.locks.release(transaction, task.id)],
    ["locks.owners", () => world.locks.owners("Book", ["1"])],
    ["locks.heldBy", () => world.locks.heldBy(task.id)],
    ["locks.releaseOrphans", () => world.locks.releaseOrphans()],
    ["tasks.create", () => world.tasks.create(transaction, task)],
    ["tasks.find", () => world.tasks.find([task.id])],
    ["tasks.heartbeat", () => world.tasks.heartbeat({ taskId: task.id, attempt: 1, at: task.createdAt })],
    ["log.append", () => world.log.append(transaction, event)],
    ["log.replay", () => world.log.replay({ after: 0, limit: 1 })],
    ["log.head", () => world.log.head()],
    ["bus.publish", () => world.bus.publish("topic", 1)],
    ["bus.subscribe", () => world.bus.subscribe("topic", subscriber)],
    ["queue.enqueue", () => world.queue.enqueue([{ id: task.id, attempt: 0 }])],
    ["queue.count", () => world.queue.count()],
  ])("%s says so", async (_name, call) => {
    const error: unknown = await call().catch((reason: unknown) => reason);
    expect(error).toMatchObject(UNAVAILABLE);
    expect(String(error)).not.toContain("secret");
  });
});

describe("redis out of reach", () => {
  let ports: Transports;
  beforeAll(async () => {
    ports = createRedisTransportsAt(`redis://unknown:secret@127.0.0.1:${await freePort()}`, "none:");
  });
  afterAll(() => ports.close());

  it.each<[string, () => Promise<unknown>]>([
    ["bus.publish", () => ports.bus.publish("topic", 1)],
    ["bus.subscribe", () => ports.bus.subscribe("topic", subscriber)],
    ["queue.enqueue", () => ports.queue.enqueue([{ id: "a", attempt: 0 }])],
  ])("%s says so", async (_name, call) => {
    const error: unknown = await call().catch((reason: unknown) => reason);
    expect(error).toMatchObject(UNAVAILABLE);
    expect(inspect(error, { depth: 10 })).not.toContain("secret");
  });
});

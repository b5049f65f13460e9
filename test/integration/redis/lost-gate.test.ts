import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { Redis } from "ioredis";
import type { PoolClient } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { createPgUnitOfWork } from "../../../src/adapters/postgres/pg-unit-of-work.ts";
import { createPostgresLockLedger } from "../../../src/adapters/postgres/postgres-lock-ledger.ts";
import { RELEASE_NEXT } from "../../../src/adapters/redis/lua/release-next.ts";
import { createRedisLockStore } from "../../../src/adapters/redis/redis-lock-store.ts";
import type { ScriptClient } from "../../../src/adapters/redis/run-script.ts";
import type { LockStore } from "../../../src/core/locks/lock-store.ts";
import { retryWaiting } from "../../../src/core/tasks/settle/promote-waiting.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { UnitOfWork } from "../../../src/core/transactions/transaction.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { createHolds } from "../../support/holds.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;
const INCREMENT = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;
/** More than one script takes, so that a claim on all of them may take some and then find others held. */
const RECORDS = 10_050;
/** The last in the order of claims. */
const LAST = "9999";

let engine: EngineFixture;
let redis: Redis;
const { hold, letAllGo } = createHolds(() => engine);

beforeAll(async () => {
  engine = await createEngineFixture({ redisUrl: inject("redisUrl") });
  redis = new Redis(inject("redisUrl"));
});
afterEach(letAllGo);
afterAll(async () => {
  redis.disconnect();
  await engine.stop();
});
beforeEach(async () => {
  await engine.pool.query("TRUNCATE part, seal, thing CASCADE");
  await insertThings(engine.session, RECORDS);
});

/** A process of its own that stops in its tracks where it first lets go of anything in Redis. */
interface SlowProcess {
  readonly locks: LockStore;
  readonly unitOfWork: UnitOfWork;
  /** Resolves when it has stopped. */
  readonly stopped: Promise<unknown>;
  /** Takes its transaction from it, and with that its turn at the locks, as a restart of PostgreSQL would. */
  loseTransaction(): Promise<void>;
  goOn(): void;
}

function createSlowProcess(): SlowProcess {
  const release = createHash("sha1").update(RELEASE_NEXT).digest("hex");
  const moments = new EventEmitter();
  const going = once(moments, "going");
  const stopped = once(moments, "stopped");
  const client = {
    eval: redis.eval.bind(redis),
    async evalsha(...values: Parameters<ScriptClient["evalsha"]>) {
      if (values[0] === release) {
        moments.emit("stopped");
        await going;
      }
      return redis.evalsha(...values);
    },
  } as ScriptClient;
  let pid: number | undefined;
  const connect = async (): Promise<PoolClient> => {
    const leased = await engine.pool.connect();
    pid ??= (leased as PoolClient & { readonly processID: number }).processID;
    return leased;
  };
  const unitOfWork = createPgUnitOfWork({ pool: { connect }, logger: createSilentLogger() });
  const locks = createRedisLockStore({
    client,
    keyPrefix: engine.backend.redisKeyPrefix,
    ledger: createPostgresLockLedger({ session: engine.session }),
    unitOfWork,
    logger: createSilentLogger(),
  });
  return {
    locks,
    unitOfWork,
    stopped,
    async loseTransaction() {
      await engine.session.query("SELECT pg_terminate_backend($1::integer)", [pid]);
    },
    goOn: () => void moments.emit("going"),
  };
}

/** One task that holds the last record, and one in line for all of them. */
async function holderAndWaiter(): Promise<{
  readonly holder: Task;
  readonly waiter: Task;
  /** Lets the holder end. */
  readonly release: () => Promise<void>;
}> {
  const release = await hold(Number(LAST));
  const holder = await engine.launched({ ...INCREMENT, selection: { ids: [LAST] }, options: SKIP_FAILED });
  const options = { ...SKIP_FAILED, onConflict: "WAIT" } as const;
  const waiter = await engine.launched({ ...INCREMENT, options });
  expect(waiter.status).toBe("WAITING");
  return { holder, waiter, release };
}

describe("a process that lost its turn at the locks without knowing", () => {
  it("takes nothing back from the task that another process has granted the same records since", async () => {
    const { holder, waiter, release } = await holderAndWaiter();
    const slow = createSlowProcess();
    const promoting = retryWaiting(
      { ...engine.ports, locks: slow.locks, unitOfWork: slow.unitOfWork },
      { id: waiter.id, hasDependents: false },
    ).catch((error: unknown) => error);
    // It took the first ten thousand, found the last one held, and is about to give the others back.
    await withDeadline(slow.stopped, 10_000, "the slow process to stop");
    await slow.loseTransaction();
    const releaseFirst = await hold(1);
    await release();
    await engine.settled(holder.id);
    await expect.poll(async () => (await engine.task(waiter.id)).status).toBe("RUNNING");
    slow.goOn();
    // It looks again, and finds nothing left to promote.
    expect(await promoting).toBe(false);
    const [claim] = await engine.ports.locks.heldBy(waiter.id);
    expect(claim?.ids).toHaveLength(RECORDS);
    await releaseFirst();
    expect(await engine.settled(waiter.id)).toMatchObject({ progress: { succeeded: RECORDS } });
    expect(await engine.ports.locks.listOwners()).toEqual([]);
  });
});

import { createRedisTaskQueue } from "../../src/adapters/bullmq/create-redis-task-queue.ts";
import { createFailFastRedis, createPatientRedis } from "../../src/adapters/redis/redis-connection.ts";
import type { RedisConnection } from "../../src/adapters/redis/redis-connection.ts";
import { createPgSession } from "../../src/adapters/postgres/pg-session.ts";
import { createPostgresLockLedger } from "../../src/adapters/postgres/postgres-lock-ledger.ts";
import { createRedisLockStore } from "../../src/adapters/redis/redis-lock-store.ts";
import { createRedisEventBus } from "../../src/adapters/redis/redis-event-bus.ts";
import type { EventBus } from "../../src/core/events/event-bus.ts";
import type { LockStore } from "../../src/core/locks/lock-store.ts";
import { requiredSession } from "../../src/core/transactions/required-session.ts";
import type { Transaction } from "../../src/core/transactions/transaction.ts";
import type { TaskQueue } from "../../src/core/tasks/task-queue.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { createTestRedis } from "../support/test-redis.ts";
import { createPostgresWorld } from "./postgres-world.ts";
import type { World } from "./world.ts";

/** What lives in Redis. */
export interface RedisPorts {
  readonly bus: EventBus;
  readonly queue: TaskQueue;
  readonly shared: RedisConnection;
  close(): Promise<void>;
}

/** PostgreSQL holds the truth; Redis is the fast path. */
export async function createRedisWorld(): Promise<World> {
  const redis = createTestRedis();
  const truth = await createPostgresWorld();
  const { bus, queue, shared, close } = createRedisPorts(redis.url, redis.keyPrefix);
  const session = createPgSession(truth.pool);
  await session.query("UPDATE powercrud.backend SET name = 'redis'");
  await session.query("CREATE TABLE live_owner (id uuid PRIMARY KEY)");
  const locks = withLiveOwners(
    createRedisLockStore({
      client: shared.client,
      keyPrefix: redis.keyPrefix,
      ledger: { ...createPostgresLockLedger({ session }), liveOwners, holders: async () => new Set() },
      unitOfWork: truth.unitOfWork,
      logger: createSilentLogger(),
    }),
  );
  await shared.ready();
  // The first look-up finds no lock table and builds it.
  await locks.listOwners();
  return {
    ...truth,
    locks,
    bus,
    queue,
    async close() {
      await close();
      await truth.close();
      await redis.drop();
    },
  };
}

/** Over any address, also one where nobody answers. */
export function createRedisPorts(url: string, keyPrefix: string): RedisPorts {
  const logger = createSilentLogger();
  const shared = createFailFastRedis({ url, name: "contract", logger });
  const bus = createRedisEventBus({ publisher: shared, url, keyPrefix, logger });
  const queue = createRedisTaskQueue({
    producer: shared,
    openConsumer: () => createPatientRedis({ url, name: "consumer", logger }),
    keyPrefix,
    logger,
  });
  return {
    bus,
    queue,
    shared,
    async close() {
      await queue.close();
      await bus.close();
      shared.close();
    },
  };
}

/** Owners in these suites have no tasks. What stands for the task is written with the claim, as a launch does. */
function withLiveOwners(locks: LockStore): LockStore {
  const enlist = async (transaction: Transaction, owner: string): Promise<void> => {
    const text = "INSERT INTO live_owner VALUES ($1::uuid) ON CONFLICT DO NOTHING";
    await requiredSession(transaction).query(text, [owner]);
  };
  return {
    ...locks,
    async acquire(transaction, owner, claims) {
      await enlist(transaction, owner);
      return locks.acquire(transaction, owner, claims);
    },
    async acquireOrWait(transaction, owner, claims) {
      await enlist(transaction, owner);
      return locks.acquireOrWait(transaction, owner, claims);
    },
    async acquireFree(transaction, owner, claims) {
      await enlist(transaction, owner);
      return locks.acquireFree(transaction, owner, claims);
    },
  };
}

async function liveOwners(transaction: Transaction, owners: readonly string[]): Promise<ReadonlySet<string>> {
  const text = "SELECT id::text AS id FROM live_owner WHERE id = ANY ($1::uuid[])";
  const rows = await requiredSession(transaction).query<{ id: string }>(text, [owners]);
  return new Set(rows.map(({ id }) => id));
}

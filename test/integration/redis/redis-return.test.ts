import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPool } from "../../../src/adapters/postgres/create-pool.ts";
import { createPgSession } from "../../../src/adapters/postgres/pg-session.ts";
import { createPgUnitOfWork } from "../../../src/adapters/postgres/pg-unit-of-work.ts";
import { createFailFastRedis } from "../../../src/adapters/redis/redis-connection.ts";
import { whenRedisReturns } from "../../../src/adapters/redis/when-redis-returns.ts";
import type { Logger } from "../../../src/kernel/logger.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { withDeadline } from "../../support/deadline.ts";
import { createLogBook } from "../../support/log-book.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { createTestBackend } from "../../support/test-backend.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import { untilEvent } from "../../support/until-event.ts";

const logger = createSilentLogger();
let redis: RedisServer;

beforeEach(async () => {
  redis = await startRedisServer();
});
afterEach(() => redis.stop());

/** Stands where Redis stood, and ends connections at once. @returns ends itself after so many */
async function refuseConnections(count: number): Promise<void> {
  const { hostname, port } = new URL(redis.url);
  let refused = 0;
  const server = createServer((socket) => {
    socket.destroy();
    refused += 1;
    if (refused === count) {
      server.close();
    }
  });
  server.listen(Number(port), hostname);
  await withDeadline(once(server, "close"), 30_000, `${count} tries to connect`);
}

describe("a Redis that comes back after many tries to connect", () => {
  it("is noticed once for each outage, and leaves no listener behind", async () => {
    const { client, ready, close } = createFailFastRedis({ url: redis.url, name: "test", logger });
    let returns = 0;
    whenRedisReturns(client, () => (returns += 1));
    await ready();
    const listeners = (): readonly number[] => ["ready", "close"].map((event) => client.listenerCount(event));
    expect(returns).toBe(0);
    for (const outage of [1, 2]) {
      const lost = untilEvent(client, "reconnecting");
      await redis.halt();
      await lost;
      const before = listeners();
      for (let tries = 0; tries < 4; tries += 1) {
        await untilEvent(client, "reconnecting");
      }
      expect(listeners()).toEqual(before);
      const back = untilEvent(client, "ready");
      await redis.revive();
      await back;
      expect(returns).toBe(outage);
    }
    close();
  });

  it("has its locks looked at once", async () => {
    let lookUps = 0;
    let isAway = false;
    let look = (): void => undefined;
    const looked = new Promise<void>((resolve) => (look = resolve));
    const { close } = await openBackend({
      onStatement() {
        if (isAway) {
          lookUps += 1;
          look();
        }
      },
    });
    await redis.halt();
    isAway = true;
    await refuseConnections(10);
    await redis.revive();
    await withDeadline(looked, 10_000, "the look-up");
    // All who wait for the connection are told in one go, before any statement of theirs is answered.
    expect(lookUps).toBe(1);
    await close();
  });
});

describe("locks that are built in Redis", () => {
  it("are no loss at a first start, and one where they were there before", async () => {
    const book = createLogBook();
    const { backend, close } = await openBackend({ logger: book });
    expect(book.lines).toEqual([
      { level: "info", fields: {}, message: "the locks are in Redis now, as the tasks claim them" },
    ]);
    await backend.loseMemory();
    await backend.locks.listOwners();
    expect(book.lines.slice(1)).toEqual([
      {
        level: "warn",
        fields: {},
        message: "Redis had lost the locks; they were built anew from the tasks",
      },
    ]);
    await close();
  });
});

/** A backend on this Redis and a database of its own. */
async function openBackend(options: { readonly logger?: Logger; readonly onStatement?: () => void }) {
  const database = await createTestDatabase();
  const pool = createPool({ connectionString: database.url, applicationName: "test", logger });
  const real = createPgSession(pool);
  const session: typeof real = {
    query(text, values) {
      options.onStatement?.();
      return real.query(text, values);
    },
  };
  const backend = await createTestBackend({
    databaseUrl: database.url,
    session,
    unitOfWork: createPgUnitOfWork({ pool, logger }),
    logger: options.logger ?? logger,
    redisUrl: redis.url,
  });
  return {
    backend,
    async close() {
      await backend.close();
      await pool.end();
      await database.drop();
    },
  };
}

import { afterAll, beforeAll, expect, it } from "vitest";
import { createPool } from "../../src/adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createPgUnitOfWork } from "../../src/adapters/postgres/connection/pg-unit-of-work.ts";
import { createPostgresEventBus } from "../../src/adapters/postgres/events/postgres-event-bus.ts";
import { createPostgresEventLog } from "../../src/adapters/postgres/events/postgres-event-log.ts";
import { createPostgresLockStore } from "../../src/adapters/postgres/locks/postgres-lock-store.ts";
import { createPostgresTaskStore } from "../../src/adapters/postgres/tasks/postgres-task-store.ts";
import { decodeCursor } from "../../src/core/events/event-cursor.ts";
import { createTaskFeed } from "../../src/core/events/task-feed.ts";
import type { TaskFeed } from "../../src/core/events/task-feed.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { createSystemClock } from "../../src/kernel/clock.ts";
import { withDeadline } from "../support/deadline.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { createTaskDriver } from "./task-driver.ts";

const WRITERS = 4;
const TASKS_EACH = 12;
/** CREATE, START, COMPLETE, CLEANUP. */
const EVENTS = WRITERS * TASKS_EACH * 4;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** One process of the service, with its own connections and feed. */
function createProcess(name: string) {
  const logger = createSilentLogger();
  const clock = createSystemClock();
  const pool = createPool({
    connectionString: database.url,
    applicationName: name,
    maxConnections: 5,
    logger,
  });
  const session = createPgSession(pool);
  const ports = {
    unitOfWork: createPgUnitOfWork({ pool, logger }),
    tasks: createPostgresTaskStore({ session }),
    log: createPostgresEventLog({ session }),
    locks: createPostgresLockStore({ session }),
    bus: createPostgresEventBus({
      session,
      logger,
      connectionString: database.url,
      applicationName: `${name} events`,
    }),
    clock,
    logger,
  };
  const feed = createTaskFeed(ports);
  return {
    feed,
    driver: createTaskDriver(ports),
    /** Ends the connections that listen to the bus. @returns their number */
    async cutBus() {
      const cut = await session.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
        [`${name} events`],
      );
      return cut.length;
    },
    async stop() {
      await feed.stop();
      await ports.bus.close();
      await pool.end();
    },
  };
}

/** Reads lifecycle events from the beginning, and resubscribes with the cursor after that many. */
async function readAll(feed: TaskFeed, eventsPerVisit: number): Promise<readonly number[]> {
  const positions: number[] = [];
  let after = 0;
  while (positions.length < EVENTS) {
    const items = feed.subscribe({ after });
    let visit = 0;
    for await (const { event, cursor } of items) {
      if (event.type !== "PROGRESS") {
        positions.push(event.position);
        visit += 1;
      }
      after = decodeCursor(cursor);
      if (visit >= eventsPerVisit || positions.length >= EVENTS) {
        break;
      }
    }
  }
  return positions;
}

it("every subscriber of every process sees each event once, in order, while connections break", async () => {
  const processes = [createProcess("one"), createProcess("two")];
  await Promise.all(processes.map(({ feed }) => feed.start()));
  const readers = processes.flatMap(({ feed }) => [readAll(feed, 1000), readAll(feed, 7), readAll(feed, 1)]);
  let cuts = 0;
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < TASKS_EACH; n += 1) {
      const { driver, cutBus } = processes[(writer + n) % 2] ?? processes[0]!;
      const id = await driver.create();
      await driver.start(id);
      await driver.progress(id, 50);
      if (writer === 0 && n % 5 === 2) {
        cuts += await cutBus();
      }
      await driver.settle(id);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  const seen = await withDeadline(Promise.all(readers), 30_000, "the reading of all events");
  expect(cuts).toBeGreaterThan(0);
  for (const positions of seen) {
    expect(new Set(positions).size).toBe(EVENTS);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  }
  await Promise.all(processes.map((one) => one.stop()));
});

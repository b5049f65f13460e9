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
import { nextWithin, withDeadline } from "../support/deadline.ts";
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
    ports,
    feed,
    query: (text: string) => session.query(text),
    driver: createTaskDriver(ports),
    /** Ends the connections that listen to the bus. @returns their number */
    async cutBus() {
      const cut = await session.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
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
  const seen = await withDeadline(Promise.all(readers), 50_000, "the reading of all events");
  expect(cuts).toBeGreaterThan(0);
  for (const positions of seen) {
    expect(new Set(positions).size).toBe(EVENTS);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  }
  await Promise.all(processes.map((one) => one.stop()));
});

/**
 * Holds the transaction of a first event open until a second one is committed and read, then has a third.
 * @returns which of the three a subscriber receives, in order
 */
async function readPastLateCommit(): Promise<readonly string[]> {
  const { ports, feed, driver, stop } = createProcess("late");
  await feed.start();
  const items = feed.subscribe({ filter: { types: ["CREATE"] } });
  const next = async (): Promise<string> => (await nextWithin(items, 10_000, "an event")).task.id;
  let commit = (): void => undefined;
  const isReleased = new Promise<void>((resolve) => {
    commit = resolve;
  });
  let note = (): void => undefined;
  const isWritten = new Promise<void>((resolve) => {
    note = resolve;
  });
  const slow = createTaskDriver({
    ...ports,
    unitOfWork: {
      run: (work) =>
        ports.unitOfWork.run(async (transaction) => {
          const result = await work(transaction);
          note();
          await isReleased;
          return result;
        }),
    },
  });
  const creating = slow.create();
  await isWritten;
  const second = await driver.create();
  const seen = [await next()];
  commit();
  const names = new Map([
    [await creating, "first"],
    [second, "second"],
    [await driver.create(), "third"],
  ]);
  while (names.get(seen.at(-1) ?? "") !== "third") {
    seen.push(await next());
  }
  await stop();
  return seen.map((id) => names.get(id) ?? id);
}

it("a subscriber receives an event whose transaction commits after that of a later one", async () => {
  expect(await readPastLateCommit()).toEqual(["second", "first", "third"]);
});

it("a planted fault shows: events that are numbered when they are written", async () => {
  const { query, stop } = createProcess("saboteur");
  await query("DROP TRIGGER place_event ON powercrud.event");
  await query(`CREATE FUNCTION powercrud.number_at_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.position := nextval('powercrud.event_position'); RETURN NEW; END $$`);
  await query(`CREATE TRIGGER number_at_once BEFORE INSERT ON powercrud.event
    FOR EACH ROW EXECUTE FUNCTION powercrud.number_at_once()`);
  await stop();
  expect(await readPastLateCommit()).toEqual(["second", "third"]);
});

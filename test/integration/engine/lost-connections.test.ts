import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { PATIENT } from "../../support/sweep-options.ts";
import { emptying } from "../../support/empty-tables.ts";

const INCREMENT = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;
const LOST_DELIVERIES = { ...PATIENT, beginGraceMs: -1000 };
const ALL = { ...PATIENT, enqueueGraceMs: -1000, beginGraceMs: -1000 };

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture();
  // Beginning an attempt ends the connection, as often as the table says.
  await engine.pool.query(`
    CREATE TABLE breaks (times_left integer NOT NULL);
    CREATE SEQUENCE breaks_made;
    CREATE FUNCTION break_connection() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('breaks_made') <= (SELECT times_left FROM breaks) THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER break_connection BEFORE INSERT ON powercrud.attempt FOR EACH ROW EXECUTE FUNCTION break_connection();`);
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(
    `${emptying("part, seal, thing, breaks")}; INSERT INTO breaks VALUES (1); ALTER SEQUENCE breaks_made RESTART`,
  );
  await insertThings(engine.session, 50);
});

async function breaksMade(): Promise<boolean> {
  const [row] = await engine.session.query<{ is_called: boolean }>("SELECT is_called FROM breaks_made");
  return row?.is_called ?? false;
}

describe("a connection lost while an attempt begins", () => {
  it("loses the delivery, not the task: the sweeper enqueues it again, and it runs once", async () => {
    const task = await engine.launched({ ...INCREMENT, options: { mode: "ASYNC" } });
    await expect.poll(breaksMade).toBe(true);
    await expect
      .poll(async () => {
        await sweep(engine.ports, LOST_DELIVERIES);
        return (await engine.task(task.id)).status;
      })
      .toBe("SUCCEEDED");
    expect(
      await engine.session.query("SELECT count(*)::int AS n FROM thing WHERE count <> id % 100 + 1"),
    ).toEqual([{ n: 0 }]);
    expect(await lockOwners(engine.session)).toEqual([]);
  });

  it("refuses a synchronous launch that begins in the same step, and leaves nothing behind", async () => {
    const tasks = async (): Promise<unknown> =>
      engine.session.query("SELECT count(*)::int AS n FROM powercrud.task");
    const before = await tasks();
    const outcome = await engine.launch({ ...INCREMENT, options: { mode: "SYNC" } });
    expect(outcome.kind).toBe("UNAVAILABLE");
    expect(await tasks()).toEqual(before);
    expect(await lockOwners(engine.session)).toEqual([]);
    expect((await engine.session.query("SELECT FROM thing WHERE count <> id % 100")).length).toBe(0);
  });

  it("never makes a synchronous launch look refused that was accepted before", async () => {
    // Only a task of few records is begun in the step that makes it.
    await engine.pool.query(emptying("part, seal, thing"));
    await insertThings(engine.session, 150);
    const outcome = await engine.launch({ ...INCREMENT, options: { mode: "SYNC" } });
    expect(outcome).toMatchObject({ kind: "LAUNCHED", task: { status: "PENDING" } });
    await sweep(engine.ports, ALL);
    const id = outcome.kind === "LAUNCHED" ? outcome.task.id : "";
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 150 } });
  });
});

it("connections that break at any moment never end the process", async () => {
  for (let round = 0; round < 40; round += 1) {
    const queries = Array.from({ length: 8 }, () =>
      engine.session.query("SELECT pg_sleep(0.002)").catch(() => undefined),
    );
    await engine.pool
      .query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'powercrud engine'",
      )
      .catch(() => undefined);
    await Promise.all(queries);
  }
  expect(await engine.session.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

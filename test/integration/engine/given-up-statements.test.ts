import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const INCREMENT = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;
const REFUSED = {
  kind: "UNAVAILABLE",
  message: expect.stringMatching(
    /^A statement was given up after 60 s, .* Nothing was changed\. Try again later\.$/,
  ),
};

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture();
  // Raises PostgreSQL's error of a statement that takes too long.
  await engine.pool.query(`
    CREATE TABLE giving_up (table_name text);
    CREATE FUNCTION give_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF EXISTS (SELECT FROM giving_up WHERE table_name = TG_TABLE_NAME) THEN
        RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = '57014';
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER give_up BEFORE INSERT ON powercrud.task FOR EACH ROW EXECUTE FUNCTION give_up();
    CREATE TRIGGER give_up BEFORE INSERT ON powercrud.cancellation FOR EACH ROW EXECUTE FUNCTION give_up()`);
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 3);
});

async function cancelStatementsOn<T>(table: string, work: () => Promise<T>): Promise<T> {
  await engine.pool.query("INSERT INTO giving_up VALUES ($1)", [table]);
  try {
    return await work();
  } finally {
    await engine.pool.query(emptying("giving_up"));
  }
}

it("a launch is refused when the database cancels its statement, and leaves no trace", async () => {
  expect(await cancelStatementsOn("task", () => engine.launch(INCREMENT))).toEqual(REFUSED);
  expect(await engine.ports.tasks.count({})).toBe(0);
  expect(await lockOwners(engine.session)).toEqual([]);
});

it("a cancellation is refused in the same way, and the task runs on", async () => {
  const release = await holdRecord(engine, 1);
  const { id } = await engine.launched({ ...INCREMENT, options: { mode: "ASYNC" } });
  await expect.poll(async () => (await engine.task(id)).status).toBe("RUNNING");
  const cancel = (): ReturnType<typeof cancelTask> =>
    cancelTask(engine.ports, { taskId: id, viewer: ANONYMOUS });
  expect(await cancelStatementsOn("cancellation", cancel)).toEqual(REFUSED);
  await release();
  expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 3 } });
});

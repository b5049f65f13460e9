import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { taskOf } from "../../support/library-engine.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(`${emptying("part, seal, thing")}; DROP TRIGGER IF EXISTS stubborn ON thing`);
  await insertThings(engine.session, 40);
});

/** Makes the record with id 6 refuse every update with this error. */
async function makeStubborn(raise: string, isDeferred = false): Promise<void> {
  const kind = isDeferred ? "CONSTRAINT TRIGGER stubborn AFTER" : "TRIGGER stubborn BEFORE";
  await engine.pool.query(`
    CREATE OR REPLACE FUNCTION refuse_six() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.id = 6 THEN RAISE EXCEPTION ${raise}; END IF; RETURN NEW;
    END $$;
    CREATE ${kind} UPDATE ON thing ${isDeferred ? "DEFERRABLE INITIALLY DEFERRED" : ""}
      FOR EACH ROW EXECUTE FUNCTION refuse_six()`);
}

describe.each([
  ["a rule of the app's own", "'six stays' USING ERRCODE = 'PC001'", false, /six stays/],
  ["a null that only a trigger minds", "'no' USING ERRCODE = 'not_null_violation'", false, /cannot be null/],
  ["a refused value", "'no' USING ERRCODE = 'invalid_datetime_format'", false, /refuses a value/],
  [
    "a constraint that speaks up at the commit",
    "'late' USING ERRCODE = 'check_violation'",
    true,
    /break the rule/,
  ],
] as const)("a record refused by %s", (_name, raise, isDeferred, message) => {
  it("is the only one left out under SKIP_FAILED", async () => {
    await makeStubborn(raise, isDeferred);
    const task = await engine.launched({
      operation: "UPDATE",
      change: { count: { increment: 1 } },
      options: { errorPolicy: "SKIP_FAILED" },
    });
    expect(await engine.settled(task.id)).toMatchObject({
      status: "PARTIAL",
      progress: { succeeded: 39, failed: 1 },
    });
    const errors = await engine.ports.tasks.errors(task.id, 0, 10);
    expect(errors).toEqual([
      expect.objectContaining({ recordId: "6", message: expect.stringMatching(message) }),
    ]);
  });

  it("undoes everything under ALL_OR_NOTHING, and reports no success", async () => {
    await makeStubborn(raise, isDeferred);
    const task = await engine.launched({
      operation: "UPDATE",
      change: { count: { increment: 1 } },
      options: {},
    });
    expect(await engine.settled(task.id)).toMatchObject({ status: "FAILED", progress: { succeeded: 0 } });
    expect(
      await engine.session.query("SELECT count(*)::int AS n FROM thing WHERE count <> id % 100"),
    ).toEqual([{ n: 0 }]);
  });
});

it.each(["SKIP_FAILED", "ALL_OR_NOTHING"] as const)(
  "a statement that the database cancels fails the task with a message, and can be retried: %s",
  async (errorPolicy) => {
    await makeStubborn("'canceling statement due to statement timeout' USING ERRCODE = 'query_canceled'");
    const task = await engine.launched({
      operation: "UPDATE",
      change: { count: { increment: 1 } },
      options: { errorPolicy },
    });
    expect(await engine.settled(task.id)).toMatchObject({
      status: "FAILED",
      message:
        "A statement was given up after 60 s, most likely because another database session holds one of the records. Try again with retryTask.",
    });
    await engine.pool.query("DROP TRIGGER stubborn ON thing");
    const retried = await engine.retry({
      taskId: task.id,
      viewer: ANONYMOUS,
      records: "FAILED_AND_UNPROCESSED",
      options: {},
    });
    expect(await engine.settled(taskOf(retried))).toMatchObject({
      status: "SUCCEEDED",
      progress: { succeeded: 40 },
    });
  },
);

it("a text for a column of fixed length is stored whole, or refused", async () => {
  const fresh = await createEngineFixture();
  await fresh.pool.query("ALTER TABLE thing ALTER COLUMN tenant TYPE char(3) USING 'a'");
  await insertThings(fresh.session, 5);
  const set = (text: string) =>
    fresh.launched({
      operation: "UPDATE",
      change: { tenant: { set: text } },
      options: { errorPolicy: "SKIP_FAILED" },
    });
  expect(await set("FRA")).toMatchObject({ status: "SUCCEEDED" });
  expect(await set("FRANCE")).toMatchObject({ status: "FAILED", progress: { failed: 5 } });
  expect(await fresh.session.query("SELECT DISTINCT tenant::text FROM thing")).toEqual([{ tenant: "FRA" }]);
  await fresh.stop();
});

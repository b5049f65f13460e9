import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { taskOf } from "../../support/library-engine.ts";

let engine: EngineFixture;
/** Ends the tasks that keep the workers busy. */
let finish: () => void = () => undefined;
const finished = new Promise<void>((resolve) => (finish = resolve));

beforeAll(async () => {
  engine = await createEngineFixture({
    tasks: [
      defineTask({ kind: "nothing", run: async () => undefined }),
      defineTask({ kind: "busy", run: () => finished }),
    ],
  });
});
afterAll(() => engine.stop());

/** Counts the statements of the engine's own connections. */
async function countedStatements(work: () => Promise<void>): Promise<number> {
  let count = 0;
  const prototype = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown };
  const { query } = prototype;
  prototype.query = function counted(this: { connectionParameters: { application_name?: string } }, ...args) {
    count += this.connectionParameters.application_name?.startsWith("powercrud e") === true ? 1 : 0;
    return query.apply(this, args);
  };
  try {
    await work();
  } finally {
    prototype.query = query;
  }
  return count;
}

const COUNT_CLEANED = `
  SELECT count(*)::integer AS count FROM powercrud.task
  WHERE kind = 'nothing' AND status = 'SUCCEEDED' AND cleaned_at IS NOT NULL`;

it("a burst of 1,000 launches is taken while all slots are busy, and costs at most 12 statements a task", async () => {
  const busy = await Promise.all(
    [1, 2].map(async (input) => taskOf(await engine.launchCustom({ kind: "busy", input }))),
  );
  await expect
    .poll(async () => (await engine.ports.tasks.list({ statuses: ["RUNNING"], limit: 9 })).length)
    .toBe(2);
  const before = await engine.ports.log.head();
  const statements = await countedStatements(async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, (_, input) => engine.launchCustom({ kind: "nothing", input })),
    );
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["LAUNCHED"]));
    finish();
    const cleaned = async (): Promise<unknown> => (await engine.pool.query(COUNT_CLEANED)).rows[0];
    await expect.poll(cleaned, { timeout: 40_000, interval: 100 }).toEqual({ count: 1_000 });
  });
  expect(statements / 1_000).toBeLessThan(12);
  await Promise.all(busy.map((taskId) => engine.settled(taskId)));
  const { rows } = await engine.pool.query<{ steps: string; count: number }>(
    `SELECT steps, count(*)::integer AS count FROM (
       SELECT string_agg(sequence || ' ' || type, ', ' ORDER BY position) AS steps
       FROM powercrud.event WHERE position > $1 GROUP BY task_id
     ) task GROUP BY steps ORDER BY count DESC`,
    [before],
  );
  expect(rows[0]).toEqual({ steps: "1 CREATE, 2 START, 3 COMPLETE, 4 CLEANUP", count: 1_000 });
});

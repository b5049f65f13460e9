import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import type { LibraryEngine } from "../../support/library-engine.ts";
import { createLibraryEngine, taskOf } from "../../support/library-engine.ts";

let library: LibraryEngine;
let engine: EngineFixture;

beforeAll(async () => {
  library = await createLibraryEngine();
  engine = library.engine;
});
afterAll(() => engine.stop());
beforeEach(() => library.reset());

function shelves(): Promise<unknown> {
  return engine.session.query("SELECT id, shelf_id FROM book ORDER BY id");
}

describe("a dry run that would make records refer to held ones", () => {
  const POLICIES = [{ errorPolicy: "SKIP_FAILED" }, { errorPolicy: "ALL_OR_NOTHING" }] as const;

  it.each(POLICIES)("reports the result of the real run: %o", async (policy) => {
    const before = await shelves();
    await library.held(() => library.change("Shelf", ["1"]));
    const change = async (dryRun: boolean): Promise<string> => {
      // Book 20 would move to shelf 1, the others to shelf 2 and to none.
      const options = { ...policy, dryRun };
      const task = taskOf(
        await library.change("Book", ["30", "31", "20", "999"], { shelfId: { decrement: 1 } }, options),
      );
      await engine.settled(task);
      return task;
    };
    const tried = await change(true);
    expect(await shelves()).toEqual(before);
    const done = await change(false);
    expect(await library.errorsOf(tried)).toEqual(await library.errorsOf(done));
    expect(await library.errorsOf(tried)).toContainEqual(
      expect.objectContaining({ recordId: "20", outcome: "FAILED", code: "RECORD_LOCKED" }),
    );
    const [first, second] = [await engine.task(tried), await engine.task(done)];
    expect([first.status, first.progress.failed]).toEqual([second.status, second.progress.failed]);
  });

  it.each(POLICIES)("does not block claims on the held records meanwhile: %o", async (policy) => {
    const stranger = await engine.pool.connect();
    await stranger.query("BEGIN");
    await stranger.query("SELECT FROM book WHERE id = 31 FOR UPDATE");
    const options = { ...policy, dryRun: true };
    // There are two chunks: the first one's references have been checked when the second one waits.
    const task = taskOf(
      await library.change("Book", ["20", "21", "30", "31"], { shelfId: { set: 1 } }, options),
    );
    await untilWaiting(engine.session, { kind: "transactionid" });
    const other = taskOf(await library.change("Shelf", ["1"], undefined, { mode: "SYNC" }));
    expect(await engine.task(other)).toMatchObject({ status: "SUCCEEDED" });
    await stranger.query("ROLLBACK");
    stranger.release();
    expect(await engine.settled(task)).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 4 } });
  });
});

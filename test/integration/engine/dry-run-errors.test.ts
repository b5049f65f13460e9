import { afterAll, beforeAll, expect, it } from "vitest";
import { MAX_TRIAL_ERRORS } from "../../../src/core/bulk/chunk-writer.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture();
});
afterAll(() => engine.stop());

it("a dry run keeps so many errors at most, and says so", async () => {
  const count = MAX_TRIAL_ERRORS + 10;
  await insertThings(engine.session, count);
  const { id } = await engine.launched({
    operation: "UPDATE",
    change: { ownerId: { set: 99 } },
    options: { errorPolicy: "SKIP_FAILED", dryRun: true },
  });
  const task = await engine.settled(id);
  expect(task).toMatchObject({ status: "FAILED", progress: { failed: count } });
  expect(task.message).toMatch(/ Of 100010 errors the first 100000 are listed\.$/);
  expect(await engine.ports.tasks.countErrors(id)).toBe(MAX_TRIAL_ERRORS);
});

import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";

const { LIMIT } = vi.hoisted(() => {
  // Files of one worker share their modules: this one needs its own, made with the mock, and leaves none of them behind.
  vi.resetModules();
  return { LIMIT: 100 };
});
// Writing more errors than the real limit would take a quarter of a minute.
vi.mock(import("../../../src/core/bulk/chunk-writer.ts"), async (importOriginal) => ({
  ...(await importOriginal()),
  MAX_TRIAL_ERRORS: LIMIT as 100_000,
}));

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture();
});
afterAll(async () => {
  await engine.stop();
  vi.resetModules();
});

it("a dry run keeps the first errors up to a limit, and says so", async () => {
  const count = LIMIT + 10;
  await insertThings(engine.session, count);
  const { id } = await engine.launched({
    operation: "UPDATE",
    change: { ownerId: { set: 99 } },
    options: { errorPolicy: "SKIP_FAILED", dryRun: true },
  });
  const task = await engine.settled(id);
  expect(task).toMatchObject({ status: "FAILED", progress: { failed: count } });
  expect(task.message).toMatch(/ Of 110 errors the first 100 are listed\.$/);
  expect(await engine.ports.tasks.countErrors(id)).toBe(LIMIT);
});

it("the limit is 100,000 errors", async () => {
  const real = await vi.importActual("../../../src/core/bulk/chunk-writer.ts");
  expect(real["MAX_TRIAL_ERRORS"]).toBe(100_000);
});

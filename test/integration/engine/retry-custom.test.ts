import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { canRetry } from "../../../src/core/bulk/retry-task.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, createHeldThings } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";

const ANONYMOUS = { id: null };

let engine: EngineFixture;
const { hold, releaseAll } = createHeldThings(() => engine);
/** The handler's inputs. */
const handled: unknown[] = [];
let isBroken = true;

beforeAll(async () => {
  engine = await createEngineFixture({
    tasks: [
      defineTask({
        kind: "fragile",
        model: "Thing",
        claims: () => [{ model: "Thing", ids: ["1", "2"] }],
        async run({ input }) {
          handled.push(input);
          if (isBroken) {
            throw new Error("it broke");
          }
        },
      }),
    ],
  });
});
afterAll(() => engine.stop());
afterEach(releaseAll);
beforeEach(() => insertThings(engine.session, 10));
describe("retrying a custom task", () => {
  it("launches it with the same input and claims, until it has succeeded", async () => {
    const outcome = await launchCustom(engine.ports, { kind: "fragile", input: { a: 1 } });
    const { task } = outcome as Extract<typeof outcome, { kind: "LAUNCHED" }>;
    const first = await engine.settled(task.id);
    expect(first).toMatchObject({ status: "FAILED", message: "it broke" });
    expect(canRetry(first)).toBe(true);
    isBroken = false;
    const letGo = await hold(2);
    const holder = await engine.launched({
      operation: "UPDATE",
      change: { count: { set: 5 } },
      selection: { ids: ["2"] },
      options: { mode: "ASYNC" },
    });
    expect(await engine.retry({ taskId: first.id, viewer: ANONYMOUS })).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ id: "2" }],
    });
    await letGo();
    await engine.settled(holder.id);
    const again = await engine.retry({ taskId: first.id, viewer: ANONYMOUS });
    const second = await engine.settled((again as typeof outcome & { kind: "LAUNCHED" }).task.id);
    expect(second).toMatchObject({ kind: "fragile", model: "Thing", status: "SUCCEEDED", retryOf: first.id });
    expect(second.label).toBe(`retry of ${first.id}`);
    expect(handled).toEqual([{ a: 1 }, { a: 1 }]);
    expect(canRetry(second)).toBe(false);
    expect(await engine.retry({ taskId: second.id, viewer: ANONYMOUS })).toMatchObject({
      kind: "INVALID",
      message: `Task ${second.id} has SUCCEEDED; there is nothing left of it to retry.`,
    });
  });
});

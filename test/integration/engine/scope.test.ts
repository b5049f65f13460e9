import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Viewer } from "../../../src/core/records/viewer.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";

const INCREMENT = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;
const OF_TENANT_A: Viewer = { id: "ada", claims: { tenant: "a" } };

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture({
    access: {
      scope: (_model, viewer) => ({ tenant: { equals: viewer.claims?.["tenant"] ?? "nobody" } }),
    },
  });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query("TRUNCATE part, seal, thing");
  await insertThings(engine.session, 100);
  await engine.pool.query("UPDATE thing SET tenant = 'b' WHERE id % 2 = 0");
});

async function changedTenants(): Promise<unknown> {
  return engine.session.query("SELECT DISTINCT tenant FROM thing WHERE count = id % 100 + 1 ORDER BY tenant");
}

describe.each(["SKIP_FAILED", "ALL_OR_NOTHING"] as const)(
  "records out of the viewer's scope under %s",
  (errorPolicy) => {
    it("are not part of what a filter selects", async () => {
      const task = await engine.launched({ ...INCREMENT, viewer: OF_TENANT_A, options: { errorPolicy } });
      expect(await engine.settled(task.id)).toMatchObject({
        status: "SUCCEEDED",
        progress: { total: 50, succeeded: 50 },
      });
      expect(await changedTenants()).toEqual([{ tenant: "a" }]);
    });

    it("are skipped by the worker when named by id, told like missing ones, and not changed", async () => {
      const ids = [...Array.from({ length: 40 }, (_, at) => String(at + 1)), "424242"];
      const task = await engine.launched({
        ...INCREMENT,
        viewer: OF_TENANT_A,
        selection: { ids },
        options: { errorPolicy },
      });
      expect(await engine.settled(task.id)).toMatchObject({
        status: "SUCCEEDED",
        progress: { succeeded: 20, skipped: 21, failed: 0 },
      });
      const errors = await engine.ports.tasks.errors(task.id, 0, 100);
      const {
        recordId: _missing,
        position: _at,
        ...toldOfMissing
      } = errors.find((error) => error.recordId === "424242") ?? {};
      const {
        recordId: _hidden,
        position: _place,
        ...toldOfHidden
      } = errors.find((error) => error.recordId === "2") ?? {};
      expect(toldOfHidden).toEqual(toldOfMissing);
      expect(await changedTenants()).toEqual([{ tenant: "a" }]);
    });
  },
);

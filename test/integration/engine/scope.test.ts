import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Viewer } from "../../../src/core/access/viewer.ts";
import type { ErrorPolicy, Task } from "../../../src/core/tasks/task.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const INCREMENT = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;
const OF_TENANT_A: Viewer = { id: "ada", claims: { tenant: "a" } };

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture({
    modelOptions: {
      Thing: { access: ({ viewer }) => ({ tenant: { equals: viewer.claims?.["tenant"] ?? "nobody" } }) },
    },
  });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 100);
  await engine.pool.query("UPDATE thing SET tenant = 'b' WHERE id % 2 = 0");
});

async function changedTenants(): Promise<unknown> {
  return engine.session.query("SELECT DISTINCT tenant FROM thing WHERE count = id % 100 + 1 ORDER BY tenant");
}

describe.each(["SKIP_FAILED", "ALL_OR_NOTHING"] as const)(
  "records out of the viewer's scope under %s",
  (errorPolicy) => {
    it("are not selected by a filter", async () => {
      const task = await engine.launched({ ...INCREMENT, viewer: OF_TENANT_A, options: { errorPolicy } });
      expect(await engine.settled(task.id)).toMatchObject({
        status: "SUCCEEDED",
        progress: { total: 50, succeeded: 50 },
      });
      expect(await changedTenants()).toEqual([{ tenant: "a" }]);
    });

    it("are skipped when named by id, reported like missing ones, and not changed", async () => {
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
        ...missingError
      } = errors.find((error) => error.recordId === "424242") ?? {};
      const {
        recordId: _hidden,
        position: _place,
        ...hiddenError
      } = errors.find((error) => error.recordId === "2") ?? {};
      expect(hiddenError).toEqual(missingError);
      expect(await changedTenants()).toEqual([{ tenant: "a" }]);
    });
  },
);

describe("a record that a write would move out of the viewer's scope", () => {
  const OUTSIDE = {
    outcome: "FAILED",
    code: "VALIDATION_FAILED",
    message: "You may not write a Thing with these values.",
  };

  async function tenants(ids: readonly number[]): Promise<unknown> {
    return engine.session.query("SELECT id, tenant, count FROM thing WHERE id = ANY ($1) ORDER BY id", [ids]);
  }

  async function run(
    request: Parameters<EngineFixture["launched"]>[0],
    errorPolicy: ErrorPolicy = "SKIP_FAILED",
  ): Promise<Task> {
    const options = { errorPolicy, mode: "ASYNC" } as const;
    const task = await engine.launched({ ...request, viewer: OF_TENANT_A, options });
    return engine.settled(task.id);
  }

  async function errors(task: Task): Promise<readonly unknown[]> {
    const found = await engine.ports.tasks.errors(task.id, 0, 100);
    return found.toSorted((a, b) => Number(a.recordId) - Number(b.recordId));
  }

  it.each(["SKIP_FAILED", "ALL_OR_NOTHING"] as const)(
    "fails under %s, and is not changed",
    async (errorPolicy) => {
      const task = await run(
        { operation: "UPDATE", change: { tenant: { set: "b" }, count: { set: 500 } } },
        errorPolicy,
      );
      expect(task).toMatchObject({ status: "FAILED", progress: { succeeded: 0, failed: 50 } });
      expect(await errors(task)).toMatchObject([
        { ...OUTSIDE, recordId: "1" },
        ...Array.from({ length: 49 }, () => OUTSIDE),
      ]);
      expect(await tenants([1, 3])).toEqual([
        { id: 1, tenant: "a", count: 1 },
        { id: 3, tenant: "a", count: 3 },
      ]);
    },
  );

  it("fails record by record, and the others are written", async () => {
    const task = await run({
      operation: "UPDATE_EACH",
      records: [1, 2, 3, 5].map((id) => ({
        id: String(id),
        data: { count: 500, tenant: id === 3 ? "b" : "a" },
      })),
    });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 2, failed: 1, skipped: 1 } });
    expect(await errors(task)).toMatchObject([
      { recordId: "2", code: "RECORD_MISSING", index: 1 },
      { ...OUTSIDE, recordId: "3", index: 2 },
    ]);
    expect(await tenants([1, 2, 3, 5])).toMatchObject([
      { count: 500 },
      { count: 2 },
      { count: 3 },
      { count: 500 },
    ]);
  });

  it("is not created there", async () => {
    const record = (id: number, tenant: string): object => ({ id, name: `new ${id}`, count: 1, tenant });
    const task = await run({
      operation: "CREATE",
      records: [record(1001, "a"), record(1002, "b"), record(1003, "a")] as never,
    });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 2, failed: 1 } });
    expect(await errors(task)).toMatchObject([{ ...OUTSIDE, recordId: "1002", index: 1 }]);
    expect(await tenants([1001, 1002, 1003])).toMatchObject([{ id: 1001 }, { id: 1003 }]);
  });

  it("is neither changed nor revealed by an upsert, which creates missing records", async () => {
    const task = await run({
      operation: "UPSERT",
      records: ["1", "2", "2001", "2002"].map((id) => ({
        id,
        create: { name: `new ${id}`, count: 1, tenant: id === "2002" ? "b" : "a" },
        update: { count: 500 },
      })),
    });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 2, failed: 2, skipped: 0 } });
    expect(await errors(task)).toMatchObject([
      { recordId: "2", outcome: "FAILED", code: "CONSTRAINT_VIOLATED", field: "id", index: 1 },
      { ...OUTSIDE, recordId: "2002", index: 3 },
    ]);
    expect(await tenants([1, 2, 2001, 2002])).toEqual([
      { id: 1, tenant: "a", count: 500 },
      { id: 2, tenant: "b", count: 2 },
      { id: 2001, tenant: "a", count: 1 },
    ]);
  });
});

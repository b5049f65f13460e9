import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UpsertRow } from "../../../src/core/bulk/bulk-request.ts";
import type { HooksEngine } from "../../support/hooks-engine.ts";
import { ALL_OR_NOTHING, createHooksEngine, INCREMENT, range } from "../../support/hooks-engine.ts";

let hooks: HooksEngine;
let { say, run, errors, changed } = {} as HooksEngine;

beforeAll(async () => {
  hooks = await createHooksEngine();
  ({ say, run, errors, changed } = hooks);
});
afterAll(() => hooks.engine.stop());
beforeEach(() => hooks.reset());

describe("a validator", () => {
  const refuseSeven: Parameters<HooksEngine["say"]>[0] = {
    // option: models.validate
    validate: (record) => (record?.id === 7 ? [{ message: "Seven is sacred.", field: "count" }] : undefined),
  };
  const refusal = {
    recordId: "7",
    outcome: "FAILED",
    code: "VALIDATION_FAILED",
    message: "Seven is sacred.",
    field: "count",
  };

  it("refuses its record under SKIP_FAILED, and the others are written", async () => {
    say(refuseSeven);
    const task = await run(INCREMENT);
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 59, failed: 1 } });
    expect(await errors(task)).toEqual([refusal]);
    expect(await changed()).toEqual(range(1, 60).filter((id) => id !== 7));
  });

  it("refuses all records under ALL_OR_NOTHING, and gives the reason", async () => {
    say(refuseSeven);
    const task = await run(INCREMENT, ALL_OR_NOTHING);
    expect(task).toMatchObject({
      status: "FAILED",
      progress: { succeeded: 0, failed: 1 },
      message: "Nothing was changed. Record 7: Seven is sacred.",
    });
    expect(await errors(task)).toEqual([refusal]);
    expect(await changed()).toEqual([]);
  });

  it("gets each record's state, the change and the context, in synchronous runs too", async () => {
    const seen: unknown[] = [];
    say({
      validate(record, change, { viewer, operation, task, isDryRun, prisma: client }) {
        const circumstances = { viewer, operation, task, isDryRun, hasClient: client !== undefined };
        seen.push({ record, change, ...circumstances });
      },
    });
    const selection = { ids: ["3"] };
    const options = { mode: "SYNC", label: "try" } as const;
    const task = await run({ ...INCREMENT, selection, viewer: { id: "ada" } }, options);
    expect(task).toMatchObject({ status: "SUCCEEDED" });
    expect(seen).toEqual([
      {
        record: {
          id: 3,
          name: "thing 3",
          count: 3,
          state: "ON",
          ownerId: null,
          tenant: "a",
          updatedAt: expect.any(Date),
        },
        change: { count: { increment: 1 } },
        viewer: { id: "ada" },
        operation: "UPDATE",
        task: { id: task.id, label: "try", attempt: 1 },
        isDryRun: false,
        hasClient: true,
      },
    ]);
  });

  it("may throw: an error's message becomes the problem, and a fault of the code is masked and logged", async () => {
    say({
      validate(record) {
        if (record?.id === 1) {
          throw new Error("No.");
        }
        if (record?.id === 2) {
          throw new TypeError("undefined has no secret");
        }
        return Promise.resolve(record?.id === 3 ? [{ message: "A." }, { message: "B." }] : []);
      },
    });
    const task = await run(INCREMENT);
    expect(await errors(task)).toMatchObject([
      { recordId: "1", code: "VALIDATION_FAILED", message: "No." },
      {
        recordId: "2",
        code: "INTERNAL",
        message: "The rules of Thing could not be applied. The details are in the service's log.",
      },
      { recordId: "3", code: "VALIDATION_FAILED", message: "A. B." },
    ]);
    expect(await changed()).toEqual(range(4, 60));
    expect(hooks.logged).toMatchObject([{ fields: { err: { message: "undefined has no secret" } } }]);
  });

  it("gets creates and updates of an upsert as such, by the existing records", async () => {
    const seen: unknown[] = [];
    say({
      validate(record, change, { operation }) {
        seen.push([operation, record?.id ?? null, change]);
        return record?.id === 2 ? [{ message: "Not this one." }] : [];
      },
    });
    const row = (id: string): UpsertRow => ({
      id,
      create: { name: `new ${id}`, count: 5, labels: { add: [] } },
      update: { state: "OFF" },
    });
    const task = await run({
      operation: "UPSERT",
      records: ["1", "2", "900"].map(row),
    });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 2, failed: 1 } });
    expect(await errors(task)).toMatchObject([{ recordId: "2", index: 1, message: "Not this one." }]);
    expect(seen).toEqual([
      ["UPDATE", 1, { state: { set: "OFF" } }],
      ["UPDATE", 2, { state: { set: "OFF" } }],
      ["CREATE", null, { name: { set: "new 900" }, count: { set: 5 }, labels: { add: [] } }],
    ]);
  });

  it("is not called for a record that has changed since the caller read it", async () => {
    const seen: unknown[] = [];
    say({ validate: (record) => void seen.push(record?.id) });
    const task = await run({
      operation: "UPDATE_EACH",
      records: [
        { id: "1", data: { count: 500 }, expectedUpdatedAt: "1999-01-01T00:00:00Z" },
        { id: "2", data: { count: 500 } },
      ],
    });
    expect(await errors(task)).toMatchObject([{ recordId: "1", code: "STALE_RECORD", index: 0 }]);
    expect(seen).toEqual([2]);
    expect(await changed()).toEqual([2]);
  });

  it("may accept records that the database then refuses", async () => {
    say({ validate: () => undefined });
    const task = await run({
      operation: "UPDATE_EACH",
      records: range(1, 20).map((id) => ({ id: String(id), data: { count: id === 9 ? 5000 : 800 } })),
    });
    expect(await errors(task)).toMatchObject([{ recordId: "9", code: "CONSTRAINT_VIOLATED", index: 8 }]);
    expect((await changed()).length).toBe(19);
  });
});

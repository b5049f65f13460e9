import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BulkRequest, BulkTarget } from "../../../src/core/bulk/bulk-request.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";

const MAX_RECORDS = 10;

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture({ bulkMaxRecords: MAX_RECORDS });
  await insertThings(engine.session, 40);
});
afterAll(() => engine.stop());

type Target = Partial<BulkRequest> & Pick<BulkTarget, "operation">;

/** A list that fails when anything but its length is read. */
function untouchable(length: number): never[] {
  return new Proxy([], {
    get(_list, name) {
      if (name === "length") {
        return length;
      }
      throw new Error(`the list was looked through: ${String(name)}`);
    },
  });
}

const change = { count: { set: 1 } } as const;

/** Every operation on a list of ids, or of records. */
const OPERATIONS: readonly { readonly operation: BulkTarget["operation"]; of(list: never[]): Target }[] = [
  { operation: "UPDATE", of: (ids) => ({ operation: "UPDATE", change, selection: { ids } }) },
  { operation: "DELETE", of: (ids) => ({ operation: "DELETE", selection: { ids } }) },
  { operation: "CREATE", of: (records) => ({ operation: "CREATE", records }) },
  { operation: "UPDATE_EACH", of: (records) => ({ operation: "UPDATE_EACH", records }) },
  { operation: "UPSERT", of: (records) => ({ operation: "UPSERT", records }) },
];

describe("more records than the service allows", () => {
  it.each(OPERATIONS)("are refused by their number, before they are read: $operation", async ({ of }) => {
    for (const options of [{}, { maxAffected: 5_000_000 }, { idempotencyKey: "k" }, { dryRun: true }]) {
      expect(await engine.launch({ ...of(untouchable(2_000_000)), options })).toMatchObject({
        kind: "LIMIT",
        limit: MAX_RECORDS,
        matched: 2_000_000,
        message: expect.stringMatching(/^2000000 records are .*; this service allows 10 in one operation\./),
      });
    }
    expect(await engine.ports.tasks.count({})).toBe(0);
  });

  it.each([{ operation: "UPDATE", change } as const, { operation: "DELETE" } as const])(
    "are not all read if a filter matches them: $operation",
    async (target) => {
      expect(await engine.launch({ ...target, selection: { where: {} } })).toMatchObject({
        kind: "LIMIT",
        limit: MAX_RECORDS,
        matched: null,
        message:
          "More than 10 records are selected; this service allows 10 in one operation. Nothing was changed.",
      });
    },
  );
});

describe("more records than the caller expects", () => {
  const ids = ["1", "2", "3"];
  const targets: readonly Target[] = [
    { operation: "UPDATE", change, selection: { ids } },
    { operation: "DELETE", selection: { ids } },
    { operation: "UPDATE", change, selection: { where: { id: { in: [1, 2, 3] } } } },
    {
      operation: "CREATE",
      records: ids.map((id) => ({ id: 100 + Number(id), name: `new ${id}`, count: 1 })),
    },
    { operation: "UPDATE_EACH", records: ids.map((id) => ({ id, data: { count: 1 } })) },
    {
      operation: "UPSERT",
      records: ids.map((id) => ({ id, create: { name: id, count: 1 }, update: { count: 1 } })),
    },
  ];

  it.each(targets)("are refused: $operation", async (target) => {
    const before = await engine.session.query("SELECT * FROM thing ORDER BY id");
    expect(await engine.launch({ ...target, options: { maxAffected: 2 } })).toMatchObject({
      kind: "LIMIT",
      limit: 2,
      message: expect.stringMatching(/options\.maxAffected allows 2\. Nothing was changed\.$/),
    });
    expect(await engine.session.query("SELECT * FROM thing ORDER BY id")).toEqual(before);
  });

  it("are counted without repeated ids", async () => {
    const target = { operation: "UPDATE", change, selection: { ids: ["1", "2", "1", "01"] } } as const;
    const task = await engine.launched({ ...target, options: { maxAffected: 2 } });
    expect(task.progress).toMatchObject({ total: 2, succeeded: 2 });
  });
});

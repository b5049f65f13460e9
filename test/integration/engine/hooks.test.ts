import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { HookChunk } from "../../../src/core/records/write-hooks.ts";
import type { HooksEngine, ThingRow } from "../../support/hooks-engine.ts";
import {
  ALL_OR_NOTHING,
  createHooksEngine,
  INCREMENT,
  range,
  SKIP_FAILED,
} from "../../support/hooks-engine.ts";

let hooks: HooksEngine;
let { say, run, errors, changed, labels } = {} as HooksEngine;

beforeAll(async () => {
  hooks = await createHooksEngine();
  ({ say, run, errors, changed, labels } = hooks);
});
afterAll(() => hooks.engine.stop());
beforeEach(() => hooks.reset());

describe("a hook before the write", () => {
  it("can refuse a delete: the row stays, and the error gives the reason", async () => {
    say({
      hooks: {
        beforeDelete: ({ records }) =>
          records.filter(({ record }) => record?.count === 5).map(({ id }) => ({ id, message: "In use." })),
      },
    });
    const task = await run({ operation: "DELETE", selection: { ids: ["4", "5", "6", "999"] } });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 2, failed: 1, skipped: 1 } });
    expect(await errors(task)).toMatchObject([
      { recordId: "5", outcome: "FAILED", code: "VALIDATION_FAILED", message: "In use." },
      { recordId: "999", outcome: "SKIPPED", code: "RECORD_MISSING" },
    ]);
    expect(await hooks.engine.session.query("SELECT id FROM thing WHERE id IN (4, 5, 6)")).toEqual([
      { id: 5 },
    ]);
  });

  it("that throws fails its chunk's records with its message, and its own writes are undone", async () => {
    say({
      hooks: {
        async beforeUpdate({ records }, { prisma: client }) {
          await client.query("INSERT INTO label (name) VALUES ($1)", [records[0]?.id]);
          if (records.some(({ id }) => id === "25")) {
            throw new Error("The second twenty rest.");
          }
        },
      },
    });
    const task = await run(INCREMENT);
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 40, failed: 20 } });
    expect(new Set((await errors(task)).map((error) => (error as { message: string }).message))).toEqual(
      new Set(["The second twenty rest."]),
    );
    expect(await changed()).toEqual([...range(1, 20), ...range(41, 60)]);
    expect(await labels()).toEqual(["1", "41"]);
  });

  it("whose statement the database refuses fails its chunk's records, and the task goes on", async () => {
    say({
      hooks: {
        async beforeUpdate({ records }, { prisma: client }) {
          if (records.some(({ id }) => id === "1")) {
            await client.query("SELECT 1 FROM nowhere");
          }
        },
      },
    });
    const task = await run(INCREMENT);
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 40, failed: 20 } });
    expect((await errors(task))[0]).toMatchObject({ recordId: "1", code: "INTERNAL" });
    expect(hooks.logged).toMatchObject([{ fields: { err: { code: "42P01" } } }]);
  });

  it("takes part in the transaction: its writes are rolled back under ALL_OR_NOTHING, and its effects wait for the commit", async () => {
    const effects: string[] = [];
    say({
      hooks: {
        async beforeUpdate({ records }, { prisma: client, onCommit }) {
          await client.query("INSERT INTO label (name) VALUES ($1)", [`before ${records[0]?.id}`]);
          onCommit(async () => void effects.push(`after ${records[0]?.id}`));
          return records
            .filter(({ id }) => id === "60")
            .map(({ id }) => ({ id, message: "The last stays." }));
        },
      },
    });
    expect(await run(INCREMENT, ALL_OR_NOTHING)).toMatchObject({ status: "FAILED" });
    expect(await labels()).toEqual([]);
    expect(effects).toEqual([]);
    expect(await run({ ...INCREMENT, selection: { ids: ["1", "2"] } }, ALL_OR_NOTHING)).toMatchObject({
      status: "SUCCEEDED",
    });
    expect(await labels()).toEqual(["before 1"]);
    expect(effects).toEqual(["after 1"]);
  });

  it("may leave effects that return nothing or throw: the records stay written and counted", async () => {
    const effects: string[] = [];
    say({
      hooks: {
        beforeUpdate({ records }, { onCommit }) {
          onCommit(() => {
            throw new Error("The mail is down.");
          });
          onCommit(() => void effects.push(`after ${records[0]?.id}`));
        },
      },
    });
    const task = await run({ ...INCREMENT, selection: { ids: ["1", "2"] } });
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 2, failed: 0 } });
    expect(await changed()).toEqual([1, 2]);
    expect(effects).toEqual(["after 1"]);
  });

  it("runs in a dry run, knows it, and its effects are never called", async () => {
    const seen: unknown[] = [];
    say({
      hooks: {
        async beforeUpdate({ records }, { isDryRun, prisma: client, onCommit }) {
          seen.push(isDryRun);
          await client.query("INSERT INTO label (name) VALUES ('tried')");
          onCommit(async () => void seen.push("committed"));
          return records.filter(({ id }) => id === "2").map(({ id }) => ({ id, message: "Not two." }));
        },
      },
    });
    const task = await run(
      { ...INCREMENT, selection: { ids: ["1", "2"] } },
      { ...SKIP_FAILED, dryRun: true },
    );
    expect(task).toMatchObject({ progress: { succeeded: 1, failed: 1 } });
    expect(await errors(task)).toMatchObject([{ recordId: "2", message: "Not two." }]);
    expect(seen).toEqual([true]);
    expect(await labels()).toEqual([]);
    expect(await changed()).toEqual([]);
  });

  it("may refuse only records of its chunk; otherwise the chunk is not written", async () => {
    say({ hooks: { beforeUpdate: () => [{ id: "77", message: "Not mine." }] } });
    const task = await run({ ...INCREMENT, selection: { ids: ["1"] } });
    expect(task).toMatchObject({ status: "FAILED" });
    expect(await errors(task)).toMatchObject([{ recordId: "1", code: "INTERNAL" }]);
    expect(await changed()).toEqual([]);
  });
});

describe("a hook after the write", () => {
  it("gets the records before and after the write, without failed ones", async () => {
    const chunks: HookChunk<ThingRow>[] = [];
    say({
      validate: (record) => (record?.id === 2 ? [{ message: "No." }] : []),
      // option: models.hooks.afterUpdate
      hooks: { afterUpdate: (chunk) => void chunks.push(chunk) },
    });
    await run({ ...INCREMENT, selection: { ids: ["1", "2", "3", "999"] } });
    expect(chunks).toMatchObject([
      {
        operation: "UPDATE",
        records: [
          { id: "1", before: { count: 1 }, record: { count: 2 }, change: { count: { increment: 1 } } },
          { id: "3", before: { count: 3 }, record: { count: 4 } },
        ],
      },
    ]);
  });

  it("that throws is logged: its own writes are undone, and the records stay written", async () => {
    say({
      hooks: {
        async afterUpdate(_chunk, { prisma: client }) {
          await client.query("INSERT INTO label (name) VALUES ('from a hook')");
          throw new Error("after all");
        },
        // option: models.hooks.afterDelete
        async afterDelete(_chunk, { prisma: client }) {
          await client.query("SELECT 1 FROM nowhere");
        },
      },
    });
    expect(await run(INCREMENT)).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 60 } });
    expect(await changed()).toEqual(range(1, 60));
    expect(await labels()).toEqual([]);
    expect(hooks.logged).toHaveLength(3);
    expect(hooks.logged[0]).toMatchObject({ fields: { err: { message: "after all" } } });
    expect(await run({ operation: "DELETE" }, ALL_OR_NOTHING)).toMatchObject({ status: "SUCCEEDED" });
    expect(await hooks.engine.session.query("SELECT FROM thing")).toEqual([]);
  });

  it("runs after creates and deletes, too", async () => {
    const seen: unknown[] = [];
    const see = ({ operation, records }: HookChunk<ThingRow>): void =>
      void seen.push(operation, ...records.map(({ id, before, record }) => [id, before?.name, record?.name]));
    // option: models.hooks.afterCreate
    say({ hooks: { afterCreate: see, afterDelete: see } });
    await run({ operation: "CREATE", records: [{ id: 100, name: "made", count: 1 }] });
    await run({ operation: "DELETE", selection: { ids: ["100"] } });
    expect(seen).toEqual(["CREATE", ["100", undefined, "made"], "DELETE", ["100", "made", undefined]]);
  });
});

/** A statement is sent as a text, or as an object that has one. */
function sentTexts(query: { readonly mock: { readonly calls: readonly (readonly unknown[])[] } }): string[] {
  return query.mock.calls.map(([sent]) =>
    typeof sent === "string" ? sent : (sent as { text: string }).text,
  );
}

it("reads the records of a chunk in one statement, for any number of records", async () => {
  say({
    validate: () => undefined,
    hooks: { beforeUpdate: () => undefined, afterUpdate: () => undefined },
  });
  const query = vi.spyOn(pg.Client.prototype, "query");
  const statements = async (count: number): Promise<number> => {
    query.mockClear();
    await run({ ...INCREMENT, selection: { ids: range(1, count).map(String) } });
    return sentTexts(query).filter((text) => text.includes('"public"."thing"')).length;
  };
  try {
    // One before and one after the write.
    expect(await statements(1)).toBe(3);
    expect(await statements(20)).toBe(3);
    expect(await statements(40)).toBe(6);
  } finally {
    query.mockRestore();
  }
});

it("writes a chunk in one statement if the app has no rules for the operation", async () => {
  say({ hooks: { beforeDelete: () => undefined } });
  const query = vi.spyOn(pg.Client.prototype, "query");
  try {
    // By ids: a filter would be read at the launch.
    await run({ ...INCREMENT, selection: { ids: range(1, 60).map(String) } });
    const texts = sentTexts(query).filter((text) => text.includes('"public"."thing"'));
    expect(texts.length).toBeGreaterThan(0);
    expect(texts.every((text) => text.includes("done AS"))).toBe(true);
  } finally {
    query.mockRestore();
  }
});

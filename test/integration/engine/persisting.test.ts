import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AppRefusal, HookChunk, WriteContext } from "../../../src/core/records/write-hooks.ts";
import type { SqlSession } from "../../../src/kernel/sql-session.ts";
import type { HooksEngine, ThingRow } from "../../support/hooks-engine.ts";
import { ALL_OR_NOTHING, createHooksEngine, INCREMENT, range } from "../../support/hooks-engine.ts";

let hooks: HooksEngine;
let { say, run, errors, changed } = {} as HooksEngine;

beforeAll(async () => {
  hooks = await createHooksEngine();
  ({ say, run, errors, changed } = hooks);
});
afterAll(() => hooks.engine.stop());
beforeEach(() => hooks.reset());

describe("an app's own writer", () => {
  const save = async (
    { operation, records }: HookChunk<ThingRow>,
    { prisma: client }: WriteContext<SqlSession>,
  ): Promise<readonly AppRefusal[]> => {
    const left: AppRefusal[] = [];
    for (const { id, change } of records) {
      if (change.name?.set === "left out") {
        left.push({ id, message: "The service does not want it.", field: "name" });
      } else if (operation === "DELETE") {
        await client.query("DELETE FROM thing WHERE id = $1::int", [id]);
      } else {
        const text =
          operation === "CREATE"
            ? "INSERT INTO thing (id, name, count) VALUES ($1::int, $2, -1)"
            : "UPDATE thing SET name = coalesce($2, name), count = -1 WHERE id = $1::int";
        await client.query(text, [id, change.name?.set ?? null]);
      }
    }
    return left;
  };

  it("replaces the service's writer, and names the records that it left out", async () => {
    say({ persist: save });
    const records = [
      { id: "1", create: { name: "x", count: 1 }, update: { name: "one" } },
      { id: "2", create: { name: "y", count: 1 }, update: { name: "left out" } },
      { id: "200", create: { name: "two hundred", count: 1 }, update: { name: "z" } },
    ];
    const task = await run({ operation: "UPSERT", records });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 2, failed: 1 } });
    expect(await errors(task)).toEqual([
      {
        recordId: "2",
        outcome: "FAILED",
        code: "VALIDATION_FAILED",
        message: "The service does not want it.",
        field: "name",
        index: 1,
      },
    ]);
    expect(
      await hooks.engine.session.query(
        "SELECT id, name, count FROM thing WHERE id IN (1, 2, 200) ORDER BY id",
      ),
    ).toEqual([
      { id: 1, name: "one", count: -1 },
      { id: 2, name: "thing 2", count: 2 },
      { id: 200, name: "two hundred", count: -1 },
    ]);
    await run({ operation: "DELETE", selection: { ids: ["1", "200"] } }, ALL_OR_NOTHING);
    expect(await hooks.engine.session.query("SELECT id FROM thing WHERE id IN (1, 2, 200)")).toEqual([
      { id: 2 },
    ]);
  });

  it("may violate constraints: only the offending records fail", async () => {
    say({ persist: save });
    const records = range(1, 20).map((id) => ({
      id: String(id),
      data: { name: id === 13 ? "thing 44" : `named ${id}` },
    }));
    const task = await run({ operation: "UPDATE_EACH", records });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 19, failed: 1 } });
    expect(await errors(task)).toMatchObject([{ recordId: "13", code: "CONSTRAINT_VIOLATED", index: 12 }]);
    expect(await run({ operation: "UPDATE_EACH", records }, ALL_OR_NOTHING)).toMatchObject({
      status: "FAILED",
      progress: { succeeded: 0 },
    });
  });

  it("that throws fails its records, and none of them is written", async () => {
    say({
      async persist(chunk, context) {
        await save(chunk, context);
        if (chunk.records.some(({ id }) => id === "1")) {
          throw new Error("The ledger is closed.");
        }
      },
    });
    const task = await run(INCREMENT);
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 40, failed: 20 } });
    expect((await errors(task))[0]).toMatchObject({ recordId: "1", message: "The ledger is closed." });
    expect(await changed()).toEqual(range(21, 60));
  });
});

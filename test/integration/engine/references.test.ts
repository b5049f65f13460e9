import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createEmulatedKeys } from "../../../src/adapters/postgres/effects/foreign-keys.ts";
import { createPostgresSideEffects } from "../../../src/adapters/postgres/effects/postgres-side-effects.ts";
import { createTableShapes } from "../../../src/adapters/postgres/records/table-shape.ts";
import type { RecordChange } from "../../../src/core/records/change.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import { createWriterOf } from "../../support/engine-fixture.ts";
import type { LibraryEngine } from "../../support/library-engine.ts";
import { createLibraryEngine, taskOf } from "../../support/library-engine.ts";
import { LIBRARY_MODELS } from "../../support/library-fixture.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED" } as const;
const ALL_OR_NOTHING = { errorPolicy: "ALL_OR_NOTHING" } as const;

let library: LibraryEngine;
let engine: EngineFixture;

beforeAll(async () => {
  library = await createLibraryEngine();
  engine = library.engine;
});
afterAll(() => engine.stop());
beforeEach(() => library.reset());

async function shelfOf(book: number): Promise<number | undefined> {
  const [row] = await engine.session.query<{ shelf_id: number }>("SELECT shelf_id FROM book WHERE id = $1", [
    book,
  ]);
  return row?.shelf_id;
}

/** Locks a book's row in a transaction of the test's. @returns releases it */
async function holdBook(id: number): Promise<() => Promise<void>> {
  const stranger = await engine.pool.connect();
  await stranger.query("BEGIN");
  await stranger.query("SELECT FROM book WHERE id = $1 FOR UPDATE", [id]);
  return async () => {
    await stranger.query("ROLLBACK");
    stranger.release();
  };
}

describe("a bulk update that makes records refer to held ones", () => {
  const toShelf1: RecordChange = { shelfId: { set: 1 } };

  it.each([
    ["over its key", "Book", "20", toShelf1, "Shelf 1"],
    ["over another column", "Ticket", "3", { shelfCode: { set: "code 1" } }, "Shelf 1"],
    ["through a table that is no model", "Stamp", "2", { sealId: { set: 1 } }, "Shelf 1"],
    ["by arithmetic", "Book", "20", { shelfId: { decrement: 1 } }, "Shelf 1"],
  ] satisfies readonly [string, string, string, RecordChange, string][])(
    "%s fails for these records, and names the holder",
    async (_how, model, id, data, parent) => {
      const holder = await library.held(() => library.change("Shelf", ["1"]));
      const task = taskOf(await library.change(model, [id], data, SKIP_FAILED));
      expect(await engine.settled(task)).toMatchObject({ status: "FAILED", progress: { failed: 1 } });
      expect(await library.errorsOf(task)).toEqual([
        {
          recordId: id,
          outcome: "FAILED",
          code: "RECORD_LOCKED",
          message: `It would refer to ${parent}, which task ${holder} holds. Try again when that has settled.`,
        },
      ]);
      const before = await engine.session.query(
        "SELECT (SELECT shelf_id FROM book WHERE id = 20) AS book, (SELECT seal_id FROM stamp WHERE id = 2) AS stamp",
      );
      expect(before).toEqual([{ book: 2, stamp: 2 }]);
      await library.settle(holder);
      const again = taskOf(await library.change(model, [id], data, SKIP_FAILED));
      expect((await engine.settled(again)).status).toBe("SUCCEEDED");
    },
  );

  it("changes the other records of the chunk", async () => {
    await library.held(() => library.change("Shelf", ["1"]));
    const data = { shelfId: { decrement: 1 } };
    const task = taskOf(await library.change("Book", ["20", "30", "999"], data, SKIP_FAILED));
    expect(await engine.settled(task)).toMatchObject({
      status: "PARTIAL",
      progress: { succeeded: 1, failed: 1, skipped: 1 },
    });
    expect([await shelfOf(20), await shelfOf(30)]).toEqual([2, 2]);
  });

  it("fails as a whole with ALL_OR_NOTHING", async () => {
    const holder = await library.held(() => library.change("Shelf", ["1"]));
    const data = { shelfId: { decrement: 1 } };
    const task = taskOf(await library.change("Book", ["30", "31", "999", "20"], data, ALL_OR_NOTHING));
    expect(await engine.settled(task)).toMatchObject({
      status: "FAILED",
      message: `Nothing was changed. Record 20: It would refer to Shelf 1, which task ${holder} holds. Try again when that has settled.`,
      progress: { succeeded: 0, failed: 1 },
    });
    expect([await shelfOf(20), await shelfOf(30)]).toEqual([2, 3]);
  });

  it.each([SKIP_FAILED, ALL_OR_NOTHING])("reports the index in the list: %o", async (options) => {
    await library.held(() => library.change("Shelf", ["1"]));
    const task = taskOf(
      await engine.launch({
        operation: "UPDATE_EACH",
        model: "Book",
        records: ["30", "31", "21", "20"].map((id) => ({ id, data: { shelfId: id === "20" ? 1 : 2 } })),
        options: { mode: "ASYNC", ...options },
      }),
    );
    await engine.settled(task);
    expect(await engine.ports.tasks.errors(task, 0, 10)).toMatchObject([
      { recordId: "20", code: "RECORD_LOCKED", index: 3 },
    ]);
  });

  it("fails while a task holds the whole model", async () => {
    const ids = Array.from({ length: 31 }, (_, at) => String(at + 1));
    const holder = await library.held(() => library.change("Shelf", ids));
    const task = taskOf(await library.change("Book", ["20"], toShelf1, SKIP_FAILED));
    await engine.settled(task);
    expect((await library.errorsOf(task))[0]?.message).toContain(`task ${holder} holds all of Shelf`);
  });

  it.each([SKIP_FAILED, ALL_OR_NOTHING])("succeeds if it holds them itself: %o", async (options) => {
    const task = taskOf(await library.change("Folder", ["1", "4"], { parentId: { set: 4 } }, options));
    expect((await engine.settled(task)).status).toBe("SUCCEEDED");
  });

  it.each([SKIP_FAILED, ALL_OR_NOTHING])(
    "succeeds if no change of the held record could affect the reference: %o",
    async (options) => {
      await library.held(() => library.change("Room", ["1"]));
      const task = taskOf(await library.change("Shelf", ["2"], { roomId: { set: 1 } }, options));
      expect((await engine.settled(task)).status).toBe("SUCCEEDED");
      const none = taskOf(await library.change("Book", ["20"], { shelfId: { set: null } }, options));
      expect((await engine.settled(none)).status).toBe("SUCCEEDED");
    },
  );
});

describe("there is no gap", () => {
  it("between a chunk's check of a parent and its commit", async () => {
    const { session, ports } = engine;
    const writer = createWriterOf(engine, LIBRARY_MODELS);
    const change: RecordChange = { shelfId: { set: 1 } };
    const taskId = await library.held(() => library.change("Book", ["20"], change, SKIP_FAILED));
    const begin = { taskId, expectedAttempt: 0, workerId: "test", at: new Date() };
    await ports.unitOfWork.run((transaction) => ports.tasks.beginAttempt(transaction, begin));
    const model = LIBRARY_MODELS.get("Book");
    const shapes = createTableShapes(session);
    const effects = createPostgresSideEffects({
      session,
      shapes,
      models: LIBRARY_MODELS,
      emulatedKeys: createEmulatedKeys(session, []),
    });
    const references = await effects.references(model, ["shelfId"]);
    const release = await holdBook(20);
    const written = writer.writeNextChunk({
      operation: "UPDATE",
      change,
      taskId,
      attempt: 1,
      model,
      scope: undefined,
      references,
    });
    await untilWaiting(engine.session, { kind: "transactionid" });
    const deleting = library.remove("Shelf", ["1"]);
    await untilWaiting(engine.session, { kind: "advisory" });
    await release();
    expect(await written).toMatchObject({ kind: "WRITTEN", counts: { succeeded: 1 } });
    expect(await deleting).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Book", id: "20", owner: taskId }],
    });
  });

  it("for a delete that is launched while ALL_OR_NOTHING runs", async () => {
    const release = await holdBook(20);
    const task = taskOf(await library.change("Book", ["20"], { shelfId: { set: 1 } }, ALL_OR_NOTHING));
    await untilWaiting(engine.session, { kind: "transactionid" });
    const deleting = await library.held(() => library.remove("Shelf", ["1"]));
    await release();
    expect((await engine.settled(task)).status).toBe("FAILED");
    expect(await shelfOf(20)).toBe(2);
    expect(await library.settle(deleting)).toBe("SUCCEEDED");
  });

  it("for a child that a single write is about to commit", async () => {
    const { locks, unitOfWork } = engine.ports;
    const launch = await unitOfWork.run(async (transaction) => {
      await locks.guard(transaction, [{ model: "Book", ids: [""] }]);
      await transaction.session?.query("INSERT INTO book VALUES (19, 1)");
      const held = library.held(() => library.remove("Shelf", ["1"]));
      await untilWaiting(engine.session, { kind: "advisory" });
      return { held };
    });
    expect(await library.claimsOf(await launch.held)).toMatchObject({ Book: ["10", "11", "19"] });
  });
});

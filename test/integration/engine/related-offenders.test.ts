import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { BulkRequest } from "../../../src/core/bulk/bulk-request.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import { createModelRegistry } from "../../../src/core/records/model.ts";
import { LIBRARY_MODELS } from "../../support/library-fixture.ts";
import { relation } from "../../support/model-fixture.ts";
import type { LibraryEngine } from "../../support/library-engine.ts";
import { createLibraryEngine } from "../../support/library-engine.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import { emptying } from "../../support/empty-tables.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;

let library: LibraryEngine;

beforeAll(async () => {
  const parent = relation("parent", "Folder", {
    relationName: "tree",
    foreignKey: ["parentId"],
    isNullable: true,
  });
  const models = LIBRARY_MODELS.all().map((model) =>
    model.name === "Folder" ? { ...model, fields: [...model.fields, parent] } : model,
  );
  library = await createLibraryEngine({ models: createModelRegistry(models, []), chunkRecords: 100 });
  await library.engine.pool.query(`
    ALTER TABLE folder ADD CONSTRAINT no_bad_notes CHECK (note <> 'bad');
    ALTER TABLE folder DROP CONSTRAINT folder_parent_id_fkey,
      ADD CONSTRAINT folder_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES folder ON DELETE RESTRICT`);
});
afterAll(() => library.engine.stop());
beforeEach(async () => {
  await library.reset();
  await library.engine.pool.query(emptying("folder"));
});

async function run(request: Partial<BulkRequest> & Pick<BulkRequest, "operation">): Promise<Task> {
  const task = await library.engine.launched({ model: "Folder", options: SKIP_FAILED, ...request });
  return library.engine.settled(task.id);
}

async function failedIds({ id }: Task): Promise<readonly (string | null)[]> {
  return (await library.engine.ports.tasks.errors(id, 0, 100)).map(({ recordId }) => recordId);
}

async function folders(): Promise<readonly number[]> {
  const rows = await library.engine.session.query<{ id: number }>("SELECT id FROM folder ORDER BY id");
  return rows.map(({ id }) => id);
}

describe("records that refer to each other", () => {
  it("are created beside one that cannot be written, a parent later in the list before its child", async () => {
    const records = [
      { id: 1, parentId: 4, note: "good" },
      { id: 2, parentId: null, note: "bad" },
      { id: 3, parentId: 1, note: "good" },
      { id: 4, parentId: null, note: "good" },
      { id: 5, parentId: 2, note: "good" },
    ];
    const task = await run({ operation: "CREATE", records });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 3, failed: 2 } });
    // The child of the record that could not be written cannot be written either.
    expect(await failedIds(task)).toEqual(["2", "5"]);
    expect(await folders()).toEqual([1, 3, 4]);
  });

  it.each([SKIP_FAILED, { errorPolicy: "ALL_OR_NOTHING", mode: "ASYNC" } as const])(
    "are created together, even if they set different fields: %o",
    async (options) => {
      const records = [
        { id: 1, note: "good" },
        { id: 2, parentId: 1 },
        { id: 3, parentId: 2, note: "good" },
        { id: 4, parentId: 3 },
      ];
      const task = await run({ operation: "CREATE", records, options });
      expect(task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 4 } });
      expect(
        await library.engine.session.query("SELECT id, parent_id, note FROM folder ORDER BY id"),
      ).toEqual([
        { id: 1, parent_id: null, note: "good" },
        { id: 2, parent_id: 1, note: null },
        { id: 3, parent_id: 2, note: "good" },
        { id: 4, parent_id: 3, note: null },
      ]);
    },
  );

  it("are in one chunk even if they are few and the last is the parent of all", async () => {
    const records = Array.from({ length: 90 }, (_, at) => ({
      id: at + 1,
      parentId: at < 89 ? at + 2 : null,
    }));
    const task = await run({ operation: "CREATE", records });
    expect(task).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 90 } });
  });

  it.each(["CREATE", "UPSERT"] as const)(
    "are written by %s though the chunk of their parents is still being written, and a child before its parent is told why not",
    async (operation) => {
      const rows = Array.from({ length: 400 }, (_, at) => ({
        id: at + 1,
        parentId: at < 100 ? null : at - 99,
      }));
      rows[0] = { id: 1, parentId: 2 };
      rows[99] = { id: 100, parentId: 101 };
      const records =
        operation === "CREATE"
          ? rows
          : rows.map(({ id, parentId }) => ({ id: String(id), create: { parentId }, update: { parentId } }));
      const holder = await library.engine.pool.connect();
      await holder.query("BEGIN; INSERT INTO folder (id) VALUES (1)");
      const request = { model: "Folder", operation, records, options: SKIP_FAILED };
      const { id } = await library.engine.launched(request as unknown as BulkRequest);
      onTestFinished(async () => void (await library.engine.settled(id)));
      onTestFinished(() => holder.release(true));
      await untilWaiting(library.engine.session);
      // Another task has its turn while the first chunk waits.
      await run({ model: "Room", operation: "CREATE", records: [{ id: 900 }] });
      await holder.query("ROLLBACK");
      const task = await library.engine.settled(id);
      // The last of the first chunk, and the chain of its children.
      expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 396, failed: 4 } });
      expect(await failedIds(task)).toEqual(["100", "200", "300", "400"]);
      const [error] = await library.engine.ports.tasks.errors(id, 0, 1);
      expect(error?.message).toBe("parentId: there is no record 101 to refer to.");
    },
  );

  it.each([2, 8, 64])("are created in a circle of %i beside one whose parent is missing", async (count) => {
    const circle = Array.from({ length: count }, (_, at) => ({
      id: at + 1,
      parentId: ((at + 1) % count) + 1,
    }));
    const middle = Math.floor(count / 2);
    const records = [
      ...circle.slice(0, middle),
      { id: 900, parentId: 999 },
      { id: 901, parentId: 900 },
      ...circle.slice(middle),
    ];
    const task = await run({ operation: "CREATE", records });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: count, failed: 2 } });
    const errors = await library.engine.ports.tasks.errors(task.id, 0, 10);
    expect(errors.map(({ recordId, index }) => [recordId, index])).toEqual([
      ["900", middle],
      ["901", middle + 1],
    ]);
    expect(await folders()).toEqual(circle.map(({ id }) => id));
  });

  it("are deleted in a circle beside one that another record refers to", async () => {
    await library.engine.pool.query(
      "INSERT INTO folder (id, parent_id) VALUES (1, NULL), (2, 1), (3, NULL), (9, 3); UPDATE folder SET parent_id = 2 WHERE id = 1",
    );
    const task = await run({ operation: "DELETE", selection: { ids: ["1", "3", "2"] } });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 2, failed: 1 } });
    expect(await failedIds(task)).toEqual(["3"]);
    expect(await folders()).toEqual([3, 9]);
  });

  it("are deleted even if the children come later in the list", async () => {
    await library.engine.pool.query(
      "INSERT INTO folder (id, parent_id) VALUES (1, NULL), (2, 1), (3, 2), (4, NULL), (5, 4), (6, 5)",
    );
    // 6 is not deleted, so 5 and 4 cannot be either.
    const task = await run({ operation: "DELETE", selection: { ids: ["1", "2", "3", "4", "5"] } });
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 3, failed: 2 } });
    expect(await failedIds(task)).toEqual(["4", "5"]);
    expect(await folders()).toEqual([4, 5, 6]);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { launchTask } from "../../../src/core/tasks/launch/launch-task.ts";
import type { TaskDefinitions } from "../../../src/core/tasks/task-definition.ts";
import type { UnitOfWork } from "../../../src/core/transactions/transaction.ts";
import { requiredSession } from "../../../src/core/transactions/transaction.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import type { LibraryEngine } from "../../support/library-engine.ts";
import { createLibraryEngine, taskOf } from "../../support/library-engine.ts";
import { RED } from "../../support/library-fixture.ts";

let library: LibraryEngine;
let engine: EngineFixture;

beforeAll(async () => {
  library = await createLibraryEngine();
  engine = library.engine;
});
afterAll(() => engine.stop());
beforeEach(() => library.reset());

describe("a bulk delete locks the dependents that change with its records", () => {
  it("over every kind of reference, level by level, until it is settled", async () => {
    const task = await library.held(() => library.remove("Shelf", ["1"]));
    expect(await library.claimsOf(task)).toEqual({
      Shelf: ["1"],
      Book: ["10", "11"],
      Page: ["100", "101", "110", "111"],
      Loan: ["10", "11"],
      Topic: [RED],
      Stamp: ["1"],
    });
    expect(await library.settle(task)).toBe("SUCCEEDED");
    expect([await library.count("shelf"), await library.count("book"), await library.count("page")]).toEqual([
      2, 4, 8,
    ]);
    expect(await lockOwners(engine.session)).toEqual([]);
  });

  it.each([
    ["Book", "11"],
    ["Page", "111"],
    ["Loan", "10"],
    ["Topic", RED],
    ["Stamp", "1"],
  ])("and is refused, with nothing left behind, while a task holds a %s", async (model, id = "") => {
    const holder = await library.held(() => library.change(model, [id]));
    const refused = await library.remove("Shelf", ["2", "1"]);
    expect(refused).toMatchObject({
      kind: "CONFLICT",
      totalConflicts: 1,
      conflicts: [{ model, id, owner: holder }],
    });
    expect((refused as { message: string }).message).toContain(`${model} ${id} is held by task ${holder}`);
    expect(await lockOwners(engine.session)).toEqual([holder]);
    expect(await library.count("powercrud.task")).toBe(1);
    await library.held(() => library.remove("Shelf", ["3"]));
  });

  it("so that a change of a child is refused while the delete of its parent is queued", async () => {
    const holder = await library.held(() => library.remove("Shelf", ["1", "2"]));
    expect(await library.change("Page", ["111"])).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Page", id: "111", owner: holder }],
    });
    expect(await library.settle(taskOf(await library.change("Page", ["311"])))).toBe("SUCCEEDED");
    expect(await library.settle(holder)).toBe("SUCCEEDED");
  });

  it("in a tree of one model, each record once", async () => {
    const task = await library.held(() => library.remove("Folder", ["1", "2"]));
    expect(await library.claimsOf(task)).toEqual({ Folder: ["1", "2", "3"] });
    expect(await library.remove("Folder", ["3"])).toMatchObject({ conflicts: [{ id: "3", owner: task }] });
    expect(await library.settle(task)).toBe("SUCCEEDED");
    expect(await library.count("folder")).toBe(1);
  });

  it("as whole models above the escalation limit", async () => {
    await engine.session.query("INSERT INTO page SELECT g, 10 FROM generate_series(1000, 1100) g");
    const few = await library.held(() => library.remove("Shelf", ["1"]));
    expect(await library.claimsOf(few)).toMatchObject({
      Book: ["10", "11"],
      Page: "all",
      Loan: ["10", "11"],
    });
    await library.settle(few);
    await engine.session.query("INSERT INTO book SELECT g, 2 FROM generate_series(1000, 1100) g");
    const many = await library.held(() => library.remove("Shelf", ["2"]));
    expect(await library.claimsOf(many)).toEqual({
      Shelf: ["2"],
      Book: "all",
      Page: "all",
      Loan: "all",
      Topic: "all",
      Stamp: ["2"],
    });
    expect(await library.settle(many)).toBe("SUCCEEDED");
  });

  it("also when a changed key updates the records that refer to it", async () => {
    const holder = await library.held(() => library.change("Ticket", ["3"]));
    const renamed = { code: { set: "new" } };
    expect(await library.change("Shelf", ["3"], renamed)).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Ticket", id: "3", owner: holder }],
    });
    expect(await library.settle(taskOf(await library.change("Shelf", ["3"])))).toBe("SUCCEEDED");
    await library.settle(holder);
    const task = await library.held(() => library.change("Shelf", ["3"], renamed));
    expect(await library.claimsOf(task)).toEqual({ Shelf: ["3"], Ticket: ["3"] });
    expect(await library.settle(task)).toBe("SUCCEEDED");
  });

  it("and refuses changes of them while its task is queued", async () => {
    const task = await library.held(() => library.remove("Shelf", ["1"]));
    expect(await library.change("Page", ["100"])).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Page", id: "100", owner: task }],
    });
  });
});

describe("a bulk delete that skips", () => {
  it("leaves out held records together with their dependents", async () => {
    await library.held(() => library.remove("Shelf", ["1"]));
    const task = await library.held(() => library.remove("Shelf", ["1", "3"], { onConflict: "SKIP" }));
    expect(await library.claimsOf(task)).toEqual({
      Shelf: ["3"],
      Book: ["30", "31"],
      Page: ["300", "301", "310", "311"],
      Loan: ["30", "31"],
      Stamp: ["3"],
    });
  });

  it("is refused while a task holds dependents of the other records", async () => {
    const holder = await library.held(() => library.change("Page", ["200"]));
    expect(await library.remove("Shelf", ["1", "2"], { onConflict: "SKIP" })).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Page", id: "200", owner: holder }],
    });
    expect(await lockOwners(engine.session)).toEqual([holder]);
  });

  it("is refused while a task holds a record that another record's delete would delete", async () => {
    const holder = await library.held(() => library.change("Folder", ["2"]));
    expect(await library.remove("Folder", ["1", "2"], { onConflict: "SKIP" })).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Folder", id: "2", owner: holder }],
    });
    expect(
      await library.settle(taskOf(await library.remove("Folder", ["2", "3"], { onConflict: "SKIP" }))),
    ).toBe("SUCCEEDED");
    expect(await library.count("folder")).toBe(3);
  });
});

it("costs a launch without side effects no statement", async () => {
  const statementsOf = async (definitions: TaskDefinitions): Promise<readonly string[]> => {
    const statements: string[] = [];
    const unitOfWork: UnitOfWork = {
      run: (work) =>
        engine.ports.unitOfWork.run((transaction) =>
          work({
            ...transaction,
            session: {
              query(text, values) {
                statements.push(text);
                return requiredSession(transaction).query(text, values);
              },
            },
          }),
        ),
    };
    const outcome = await launchTask(
      { ...engine.ports, unitOfWork, definitions },
      {
        kind: "bulkDelete",
        model: "Room",
        viewer: ANONYMOUS,
        input: {},
        inputHash: "",
        options: { mode: "ASYNC" },
        records: ["99"],
        maxChunkRecords: 1,
        claims: [{ model: "Room", ids: "chunks" }],
        total: 1,
      },
    );
    await engine.settled(taskOf(outcome));
    return statements;
  };
  const { definitions } = engine.ports;
  const blind: TaskDefinitions = {
    kinds: definitions.kinds,
    find: (kind) => blind.get(kind),
    get(kind) {
      const { handle } = definitions.get(kind);
      return { kind, handle };
    },
  };
  expect(await statementsOf(definitions)).toEqual(await statementsOf(blind));
});

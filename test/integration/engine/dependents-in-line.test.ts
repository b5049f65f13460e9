import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import type { LibraryEngine } from "../../support/library-engine.ts";
import { createLibraryEngine, taskOf } from "../../support/library-engine.ts";
import { PATIENT } from "../../support/sweep-options.ts";

let library: LibraryEngine;
let engine: EngineFixture;

beforeAll(async () => {
  library = await createLibraryEngine();
  engine = library.engine;
});
afterAll(() => engine.stop());
beforeEach(() => library.reset());

describe("a bulk delete that waits", () => {
  const WAIT = { onConflict: "WAIT" } as const;

  it("waits in line for all records and dependents, and blocks later launches on them", async () => {
    const holder = await library.held(() => library.change("Page", ["111"]));
    const waiting = await library.remove("Shelf", ["1"], WAIT);
    expect(waiting).toMatchObject({ task: { status: "WAITING", blockedBy: holder } });
    expect(await library.claimsOf(taskOf(waiting))).toEqual({});
    expect(await library.change("Loan", ["10"])).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Loan", id: "10", owner: taskOf(waiting), heldBy: { status: "WAITING" } }],
    });
    expect(await library.settle(holder)).toBe("SUCCEEDED");
    expect((await engine.settled(taskOf(waiting))).status).toBe("SUCCEEDED");
    expect(await library.count("book")).toBe(4);
  });

  it("claims dependents that were added while it waited", async () => {
    const holder = await library.held(() => library.change("Shelf", ["1"]));
    const waiting = taskOf(await library.remove("Shelf", ["1"], WAIT));
    await engine.session.query("INSERT INTO book VALUES (19, 1)");
    await engine.session.query("INSERT INTO page VALUES (190, 19)");
    await library.orphan(holder, waiting);
    const { promoted } = await library.whileClosed(() => sweep(engine.ports, PATIENT));
    expect(promoted).toEqual([waiting]);
    expect(await library.claimsOf(waiting)).toMatchObject({
      Shelf: ["1"],
      Book: ["10", "11", "19"],
      Page: ["100", "101", "110", "111", "190"],
    });
    expect(await library.change("Page", ["190"])).toMatchObject({
      conflicts: [{ id: "190", owner: waiting }],
    });
  });

  it("keeps waiting if another task holds those, names that task, and keeps its place", async () => {
    const holder = await library.held(() => library.change("Shelf", ["1"]));
    const waiting = taskOf(await library.remove("Shelf", ["1"], WAIT));
    await engine.session.query("INSERT INTO book VALUES (19, 1)");
    const other = await library.held(() => library.change("Book", ["19"]));
    await library.orphan(holder, waiting);
    expect((await sweep(engine.ports, PATIENT)).promoted).toEqual([]);
    expect(await engine.task(waiting)).toMatchObject({ status: "WAITING", blockedBy: other });
    expect(await library.claimsOf(waiting)).toEqual({});
    const late = await library.change("Book", ["19"], undefined, { ...WAIT, allowDuplicate: true });
    expect(late).toMatchObject({ task: { status: "WAITING" } });
    expect(await library.settle(other)).toBe("SUCCEEDED");
    expect((await engine.settled(waiting)).status).toBe("SUCCEEDED");
    expect((await engine.settled(taskOf(late))).progress).toMatchObject({ succeeded: 0, skipped: 1 });
  });

  it("is not promoted by a process that does not know its kind", async () => {
    const holder = await library.held(() => library.change("Shelf", ["1"]));
    const waiting = taskOf(await library.remove("Shelf", ["1"], WAIT));
    await library.orphan(holder, waiting);
    const { definitions: _, ...blind } = engine.ports;
    expect((await sweep(blind, PATIENT)).promoted).toEqual([]);
    expect((await sweep(engine.ports, PATIENT)).promoted).toEqual([waiting]);
    expect((await engine.settled(waiting)).status).toBe("SUCCEEDED");
  });

  it("leaves all its places in line when it is cancelled", async () => {
    const holder = await library.held(() => library.change("Page", ["111"]));
    const waiting = taskOf(await library.remove("Shelf", ["1"], WAIT));
    const behind = taskOf(await library.change("Loan", ["10"], undefined, WAIT));
    await cancelTask(engine.ports, { taskId: waiting, viewer: ANONYMOUS });
    expect((await engine.settled(behind)).status).toBe("SUCCEEDED");
    await library.settle(holder);
    expect(await lockOwners(engine.session)).toEqual([]);
  });
});

it("launches on parents and children that cross are granted one at a time, without a deadlock", async () => {
  const launches = Array.from({ length: 24 }, (_, at) => {
    const wait = { onConflict: "WAIT" } as const;
    return [
      () => library.change("Page", ["100", "200"], undefined, wait),
      () => library.change("Book", ["11", "21"], undefined, wait),
      () => library.change("Loan", ["10", "20"], undefined, wait),
      () => library.remove("Shelf", [at % 8 === 3 ? "1" : "2"], wait),
    ][at % 4]?.();
  });
  const tasks = await Promise.all(
    launches.map(async (launch) => taskOf(await (launch ?? library.remove("Shelf", ["3"])))),
  );
  for (const task of tasks) {
    expect((await engine.settled(task)).status).toBe("SUCCEEDED");
  }
  expect(await lockOwners(engine.session)).toEqual([]);
  expect(await library.count("shelf")).toBe(1);
});

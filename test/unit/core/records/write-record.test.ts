import { describe, expect, test } from "vitest";
import { AppError } from "../../../../src/kernel/app-error.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";
import type { Claim } from "../../../../src/core/locks/claim.ts";
import type { AcquireResult } from "../../../../src/core/locks/lock-store.ts";
import { createModelRegistry } from "../../../../src/core/records/model-registry.ts";
import type { Model } from "../../../../src/core/records/model.ts";
import type { WriteResult } from "../../../../src/core/records/record-writer.ts";
import type { ReferencePlan } from "../../../../src/core/records/reference-plan.ts";
import type { EffectPlan } from "../../../../src/core/records/side-effects.ts";
import { ANONYMOUS } from "../../../../src/core/access/viewer.ts";
import type { WritePorts } from "../../../../src/core/records/write-ports.ts";
import type { WriteRecords } from "../../../../src/core/records/write-record.ts";
import { createWriteRecords } from "../../../../src/core/records/write-record.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const links = {
  kind: "relation",
  relationName: "l",
  isList: true,
  isNullable: false,
  foreignKey: [],
} as const;
const key = scalar("id", "Int", { isKey: true });
const LABEL = modelOf("Label", [
  scalar("id", "String", { isKey: true, hasDefault: true, nativeType: "uuid" }),
]);
const NOTE: Model = { ...modelOf("Note", [key]), fields: [key, { ...links, name: "labels", type: "Label" }] };
const UUID = "0195f8f0-0000-7000-8000-00000000000a";

interface World {
  readonly writes: WriteRecords;
  /** What happened, in order. */
  readonly deeds: string[];
  readonly claims: (readonly Claim[])[];
}

interface Overrides {
  readonly guard?: AcquireResult | AppError;
  readonly result?: WriteResult;
  readonly scope?: Record<string, object>;
  readonly lockScope?: Record<string, string>;
  readonly isLockable?: boolean;
  readonly existing?: readonly string[];
  readonly effects?: EffectPlan;
  readonly references?: ReferencePlan;
}

function createWorld(overrides: Overrides = {}): World {
  const deeds: string[] = [];
  const claims: (readonly Claim[])[] = [];
  const write = (deed: string) => (): Promise<WriteResult> => {
    deeds.push(deed);
    return Promise.resolve(overrides.result ?? { record: { id: 1 } });
  };
  const ports: WritePorts = {
    models: createModelRegistry([NOTE, LABEL], []),
    lockScopes: { of: (model) => overrides.lockScope?.[model] },
    access: { scope: (model) => overrides.scope?.[model] as never },
    reader: {
      findIds: () => Promise.resolve([]),
      existingIds: () => Promise.resolve(overrides.existing ?? []),
    },
    writer: {
      create: write("create"),
      update: write("update"),
      delete: write("delete"),
      lockForWrite: () => {
        deeds.push("look");
        return Promise.resolve(overrides.isLockable === false ? undefined : {});
      },
      readWhole: () => Promise.reject(new Error("nobody asked for it")),
    },
    sideEffects: {
      ofDelete: () => Promise.resolve(overrides.effects),
      ofUpdate: () => Promise.resolve(overrides.effects),
      references: () => Promise.resolve(overrides.references),
    },
    unitOfWork: {
      async run(work) {
        deeds.push("begin");
        try {
          const value = await work({
            session: undefined,
            onCommit: () => undefined,
            onRollback: () => undefined,
          });
          deeds.push("commit");
          return value;
        } catch (error) {
          deeds.push("roll back");
          throw error;
        }
      },
    },
    locks: {
      guard: (_transaction, claimed) => {
        deeds.push("guard");
        claims.push(claimed);
        const { guard = { kind: "GRANTED" } } = overrides;
        return guard instanceof AppError ? Promise.reject(guard) : Promise.resolve(guard);
      },
    },
    tasks: {
      find: (ids) =>
        Promise.resolve(
          new Map(
            ids.map((id) => [
              id,
              {
                id,
                kind: "bulkUpdate",
                status: "RUNNING",
                viewer: ANONYMOUS,
                progress: { percent: 12.5 },
              } as never,
            ]),
          ),
        ),
    },
    logger: createSilentLogger(),
  };
  return { writes: createWriteRecords(ports), deeds, claims };
}

const request = { model: "Note", viewer: ANONYMOUS, shape: undefined };

describe("a single write", () => {
  test("guards before it writes, in one transaction", async () => {
    const { writes, deeds, claims } = createWorld();
    expect(await writes.update({ ...request, id: "007", data: {} })).toEqual({
      kind: "WRITTEN",
      record: { id: 1 },
    });
    expect(deeds).toEqual(["begin", "guard", "update", "commit"]);
    expect(claims).toEqual([[{ model: "Note", ids: ["7"] }]]);
  });

  test("writes nothing when a task holds the record, and names task and progress", async () => {
    const guard: AcquireResult = {
      kind: "CONFLICT",
      conflicts: [{ model: "Note", id: "1", owner: "t" }],
      totalConflicts: 1,
    };
    for (const write of [
      (writes: WriteRecords) => writes.create({ ...request, data: { id: 1 } }),
      (writes: WriteRecords) => writes.update({ ...request, id: "1", data: {} }),
      (writes: WriteRecords) => writes.delete({ ...request, id: "1" }),
    ]) {
      const { writes, deeds } = createWorld({ guard });
      const outcome = await write(writes);
      expect(outcome).toMatchObject({ kind: "CONFLICT", conflicts: [{ id: "1", heldBy: { id: "t" } }] });
      expect((outcome as { message: string }).message).toContain(
        "Note 1 is held by task t (bulkUpdate, 12 % done)",
      );
      expect(deeds).toEqual(["begin", "guard", "roll back"]);
    }
  });

  test("is refused when the locks are out of reach", async () => {
    const { writes, deeds } = createWorld({ guard: new AppError("UNAVAILABLE", "no locks") });
    expect(await writes.delete({ ...request, id: "1" })).toEqual({
      kind: "UNAVAILABLE",
      message: "no locks",
    });
    expect(deeds).toEqual(["begin", "guard", "roll back"]);
  });

  test("throws what it does not know", async () => {
    const { writes } = createWorld({ guard: new AppError("INTERNAL", "odd") });
    await expect(writes.delete({ ...request, id: "1" })).rejects.toThrow("odd");
  });

  test("does not begin with a malformed id", async () => {
    const { writes, deeds } = createWorld();
    expect(await writes.update({ ...request, id: "x", data: {} })).toMatchObject({
      kind: "INVALID",
      problems: [{ field: "id" }],
    });
    expect(await writes.create({ ...request, data: { id: Number.NaN } })).toMatchObject({
      kind: "INVALID",
    });
    expect(deeds).toEqual([]);
  });

  test("rolls back when the database's rules refuse it", async () => {
    const problem = { code: "CONSTRAINT_VIOLATED", message: "label must be unique", field: "label" } as const;
    const { writes, deeds } = createWorld({ result: { problem } });
    expect(await writes.create({ ...request, data: { id: 1 } })).toEqual({
      kind: "INVALID",
      message: problem.message,
      problems: [problem],
    });
    expect(deeds.at(-1)).toBe("roll back");
  });

  test("finds out while writing that the record is gone", async () => {
    const { writes } = createWorld({ result: { problem: { code: "RECORD_MISSING", message: "" } } });
    expect(await writes.update({ ...request, id: "1", data: {} })).toEqual({
      kind: "MISSING",
      message: "There is no Note 1.",
    });
    expect(await writes.delete({ ...request, id: "1" })).toMatchObject({ kind: "MISSING" });
  });
});

describe("a new record", () => {
  test("guards its own id when it has one, in its canonical form, and else the model", async () => {
    const { writes, claims } = createWorld();
    await writes.create({ ...request, model: "Label", data: { id: UUID.toUpperCase() } });
    await writes.create({ ...request, model: "Label", data: {} });
    expect(claims).toEqual([[{ model: "Label", ids: [UUID] }], [{ model: "Label", ids: [""] }]]);
  });
});

describe("links", () => {
  const data = { labels: { add: [{ id: UUID }], remove: [{ id: "b" }] } };

  test("are guarded on both sides", async () => {
    const { writes, claims } = createWorld({ existing: [UUID] });
    await writes.update({ ...request, id: "1", data });
    expect(claims).toEqual([
      [
        { model: "Note", ids: ["1"] },
        { model: "Label", ids: [UUID, "b"] },
      ],
    ]);
  });

  test("lead only to what is there", async () => {
    const { writes, deeds } = createWorld();
    expect(await writes.update({ ...request, id: "1", data })).toMatchObject({
      kind: "INVALID",
      problems: [{ field: "labels", message: `labels: there is no Label ${UUID}.` }],
    });
    expect(deeds).toEqual([]);
  });
});

describe("with a lock scope", () => {
  const lockScope = { Note: "mine", Label: "mine" };

  test("guards pass claims on whole models under others", async () => {
    const { writes, claims } = createWorld({ lockScope, existing: [UUID] });
    await writes.update({ ...request, id: "1", data: { labels: { add: [{ id: UUID }] } } });
    expect(claims).toEqual([
      [
        { model: "Note", ids: ["1"], scope: "mine" },
        { model: "Label", ids: [UUID], scope: "mine" },
      ],
    ]);
  });

  test("links to be removed meet every claim: they may lead to records of others", async () => {
    const { writes, claims } = createWorld({ lockScope });
    await writes.update({ ...request, id: "1", data: { labels: { remove: [{ id: UUID }] } } });
    expect(claims).toEqual([
      [
        { model: "Note", ids: ["1"], scope: "mine" },
        { model: "Label", ids: [UUID] },
      ],
    ]);
  });
});

describe("within a scope", () => {
  const scope = { Note: { id: { gt: 0 } } };

  test("what is out of it is not there", async () => {
    const { writes, deeds } = createWorld({ scope, isLockable: false });
    expect(await writes.update({ ...request, id: "1", data: {} })).toMatchObject({ kind: "MISSING" });
    expect(await writes.delete({ ...request, id: "1" })).toMatchObject({ kind: "MISSING" });
    expect(deeds).not.toContain("update");
    expect(deeds).not.toContain("delete");
  });

  test("nothing is written that would be out of it", async () => {
    const { writes, deeds } = createWorld({ scope, isLockable: false });
    expect(await writes.create({ ...request, data: { id: 1 } })).toMatchObject({ kind: "INVALID" });
    expect(deeds).toEqual(["begin", "guard", "create", "look", "roll back"]);
  });
});

describe("side effects", () => {
  const ofNote = { ...request, id: "1" };
  const effects: EffectPlan = {
    models: ["Label", "Note"],
    claims: () => Promise.reject(new Error("for sets")),
    async *waves() {
      yield await Promise.resolve([{ model: "Label", ids: ["a"] }]);
      yield [{ model: "Label", ids: ["b"] }];
    },
  };

  test("have their models entered with the record's guard, and are guarded wave by wave before the write", async () => {
    for (const deed of ["update", "delete"] as const) {
      const { writes, deeds, claims } = createWorld({ effects });
      await writes[deed]({ ...ofNote, data: {} });
      expect(deeds).toEqual(["begin", "guard", "guard", "guard", deed, "commit"]);
      expect(claims).toEqual([
        [
          { model: "Note", ids: ["1"] },
          { model: "Label", ids: [""] },
        ],
        [{ model: "Label", ids: ["a"] }],
        [{ model: "Label", ids: ["b"] }],
      ]);
    }
  });

  test("are not looked for when the record is out of the viewer's scope: a refusal would name others", async () => {
    const { writes, deeds } = createWorld({ effects, scope: { Note: { id: { gt: 0 } } }, isLockable: false });
    expect(await writes.delete(ofNote)).toMatchObject({ kind: "MISSING" });
    expect(deeds).toEqual(["begin", "guard", "look", "roll back"]);
  });
});

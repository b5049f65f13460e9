import { createAccess } from "../../../../src/core/access/access-rules.ts";
import { describe, expect, test } from "vitest";
import { AppError } from "../../../../src/kernel/app-error.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";
import type { RecordWork, WrittenBatch } from "../../../../src/core/bulk/record-writer.ts";
import type { WriteOne } from "../../../../src/core/bulk/write-one.ts";
import type { WriteRequest } from "../../../../src/core/bulk/write-request.ts";
import { createWriteOne } from "../../../../src/core/bulk/write-one.ts";
import type { Claim } from "../../../../src/core/locks/claim.ts";
import type { AcquireResult, LockRefusal } from "../../../../src/core/locks/lock-store.ts";
import type { Model } from "../../../../src/core/records/model.ts";
import { createModelRegistry } from "../../../../src/core/records/model.ts";
import type { EffectPlan, ReferencePlan } from "../../../../src/core/records/side-effects.ts";
import { ANONYMOUS } from "../../../../src/core/access/viewer.ts";
import type { NewTaskError } from "../../../../src/core/tasks/task-error.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const relation = {
  kind: "relation",
  relationName: "l",
  isList: true,
  isNullable: false,
  foreignKey: [],
} as const;
const key = scalar("id", "Int", { isKey: true });
const name = scalar("name", "String");
const labelKey = scalar("id", "String", { isKey: true, hasDefault: true, nativeType: "uuid" });
const LABEL: Model = {
  ...modelOf("Label", [labelKey]),
  fields: [labelKey, { ...relation, name: "notes", apiName: "notes", type: "Note" }],
};
const NOTE: Model = {
  ...modelOf("Note", [key]),
  fields: [key, name, { ...relation, name: "labels", apiName: "labels", type: "Label" }],
};
const [UUID, OTHER, MADE] = ["a", "b", "c"].map((end) => `0195f8f0-0000-7000-8000-00000000000${end}`) as [
  string,
  string,
  string,
];

interface World {
  readonly writeOne: WriteOne;
  /** What happened, in order. */
  readonly steps: string[];
  /** The claims of each guard, also of a guard in one statement with the write. */
  readonly claims: (readonly Claim[])[];
}

interface Overrides {
  readonly guard?: AcquireResult | AppError;
  /** Why the record is not written. */
  readonly error?: Omit<NewTaskError, "recordId" | "outcome">;
  readonly scope?: Record<string, object>;
  readonly lockScope?: Record<string, string>;
  readonly existing?: readonly string[];
  readonly effects?: EffectPlan;
  readonly references?: ReferencePlan;
}

function createWorld(overrides: Overrides = {}): World {
  const steps: string[] = [];
  const claims: (readonly Claim[])[] = [];
  const guard = (claimed: readonly Claim[]): AcquireResult => {
    claims.push(claimed);
    const { guard: result = { kind: "GRANTED" } } = overrides;
    if (result instanceof AppError) {
      throw result;
    }
    return result;
  };
  const written = (ids: readonly string[]): WrittenBatch => {
    const { error } = overrides;
    return error === undefined
      ? { succeeded: ids.length, errors: [] }
      : { succeeded: 0, errors: ids.map((recordId) => ({ ...error, recordId, outcome: "FAILED" })) };
  };
  const held = (refusal: LockRefusal): WrittenBatch => ({ succeeded: 0, errors: [], refusal });
  const writeOne = createWriteOne({
    models: createModelRegistry([NOTE, LABEL], []),
    lockScopes: { of: (model) => overrides.lockScope?.[model] },
    access: createAccess((model) => () => (overrides.scope?.[model] ?? true) as boolean),
    reader: {
      findIds: () => Promise.resolve([]),
      existingIds: () => Promise.resolve(overrides.existing ?? []),
    },
    named: { find: () => Promise.reject(new Error("nothing is named by a key")) },
    defaults: {
      make: (model, given) =>
        Promise.resolve({
          value: new Map(model.name === "Label" && !given.includes("id") ? [["id", [MADE]]] : []),
        }),
    },
    hooks: { of: () => undefined },
    writer: {
      writeGuarded(work, { ids }) {
        steps.push("guard and write");
        const result = guard([{ model: work.model.name, ids, scope: work.lockScopeOf?.(work.model.name) }]);
        return Promise.resolve(result.kind === "CONFLICT" ? held(result) : written(ids));
      },
      async run(_work, body) {
        steps.push("begin");
        try {
          const decision = await body({
            session: undefined,
            onCommit: () => undefined,
            onRollback: () => undefined,
          });
          steps.push("commit" in decision ? "commit" : "roll back");
          return "commit" in decision ? decision.commit : decision.rollBack;
        } catch (error) {
          steps.push("roll back");
          throw error;
        }
      },
      async writeBatch(transaction, work: RecordWork, { ids }) {
        const refusal = await work.guardReached?.(transaction, ids);
        steps.push("write");
        return refusal === undefined ? written(ids) : held(refusal);
      },
    },
    sideEffects: {
      ofDelete: () => Promise.resolve(overrides.effects),
      ofUpdate: () => Promise.resolve(overrides.effects),
      references: () => Promise.resolve(overrides.references),
    },
    locks: {
      async guard(_transaction, claimed) {
        steps.push("guard");
        return guard(claimed);
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
  });
  return { writeOne, steps, claims };
}

const NOTES = { model: "Note", viewer: ANONYMOUS };
const UPDATE: WriteRequest = { ...NOTES, operation: "UPDATE", id: "1", data: { name: "x" } };
const CREATE: WriteRequest = { ...NOTES, operation: "CREATE", data: { id: 1, name: "x" } };
const DELETE: WriteRequest = { ...NOTES, operation: "DELETE", id: "1" };

describe("a single write", () => {
  test("guards and writes in one statement where it changes nothing else", async () => {
    const { writeOne, steps, claims } = createWorld();
    expect(await writeOne({ ...NOTES, operation: "UPDATE", id: "007", data: { name: "x" } })).toEqual({
      kind: "WRITTEN",
      id: "7",
    });
    expect(steps).toEqual(["guard and write"]);
    expect(claims).toMatchObject([[{ model: "Note", ids: ["7"] }]]);
  });

  test("is refused while a task holds the record, and names the task and its progress", async () => {
    const guard: AcquireResult = {
      kind: "CONFLICT",
      conflicts: [{ model: "Note", id: "1", owner: "t" }],
      totalConflicts: 1,
    };
    for (const request of [CREATE, UPDATE, DELETE]) {
      const { writeOne } = createWorld({ guard });
      const outcome = await writeOne(request);
      expect(outcome).toMatchObject({ kind: "CONFLICT", conflicts: [{ id: "1", heldBy: { id: "t" } }] });
      expect((outcome as { message: string }).message).toContain(
        "Note 1 is held by task t (bulkUpdate, 12 % done)",
      );
      const careful = createWorld({ guard, effects: EFFECTS });
      expect(await careful.writeOne(request)).toMatchObject({ kind: "CONFLICT" });
      expect(careful.steps).toEqual(["begin", "guard", "roll back"]);
    }
  });

  test("is refused when the locks are out of reach", async () => {
    const { writeOne } = createWorld({ guard: new AppError("UNAVAILABLE", "no locks") });
    expect(await writeOne(DELETE)).toEqual({ kind: "UNAVAILABLE", message: "no locks" });
  });

  test("throws an unexpected error", async () => {
    const { writeOne } = createWorld({ guard: new AppError("INTERNAL", "odd") });
    await expect(writeOne(DELETE)).rejects.toThrow("odd");
  });

  test("is refused before it begins, if the id is malformed", async () => {
    const { writeOne, steps } = createWorld();
    for (const request of [
      { ...UPDATE, id: "x" },
      { ...DELETE, id: "x" },
      { ...CREATE, data: { id: "x", name: "" } },
    ]) {
      expect(await writeOne(request as WriteRequest)).toMatchObject({
        kind: "INVALID",
        problems: [{ field: "id" }],
      });
    }
    expect(steps).toEqual([]);
  });

  test("is refused with the field and the message of a broken database rule", async () => {
    const problem = { code: "CONSTRAINT_VIOLATED", message: "label must be unique", field: "label" } as const;
    const { writeOne } = createWorld({ error: problem });
    expect(await writeOne(CREATE)).toEqual({
      kind: "INVALID",
      message: problem.message,
      problems: [problem],
    });
  });

  test("is MISSING if the record is found to be gone while it is written", async () => {
    const { writeOne } = createWorld({ error: { code: "RECORD_MISSING", message: "" } });
    expect(await writeOne(UPDATE)).toEqual({ kind: "MISSING", message: "There is no Note 1." });
    expect(await writeOne(DELETE)).toMatchObject({ kind: "MISSING" });
  });
});

test("a new record guards its own id in canonical form, whether the caller gave it or it was made", async () => {
  const { writeOne, claims } = createWorld();
  const create = { viewer: ANONYMOUS, operation: "CREATE", model: "Label" } as const;
  await writeOne({ ...create, data: { id: UUID.toUpperCase() } });
  await writeOne({ ...create, data: {} });
  expect(claims).toMatchObject([[{ model: "Label", ids: [UUID] }], [{ model: "Label", ids: [MADE] }]]);
});

describe("links", () => {
  const linking: WriteRequest = {
    ...NOTES,
    operation: "UPDATE",
    id: "1",
    data: { labels: { add: [UUID], remove: [OTHER] } },
  };

  test("are guarded on both sides", async () => {
    const { writeOne, claims, steps } = createWorld({ existing: [UUID] });
    await writeOne(linking);
    expect(steps).toEqual(["begin", "guard", "write", "commit"]);
    expect(claims).toMatchObject([
      [
        { model: "Note", ids: ["1"] },
        { model: "Label", ids: [UUID, OTHER] },
      ],
    ]);
  });

  test("are refused where the record to link does not exist", async () => {
    const { writeOne, steps } = createWorld();
    expect(await writeOne(linking)).toMatchObject({
      kind: "INVALID",
      problems: [{ field: "labels", message: `labels: there is no Label ${UUID}.` }],
    });
    expect(steps).toEqual([]);
  });
});

describe("with a lock scope", () => {
  const lockScope = { Note: "mine", Label: "mine" };

  test("guards are made under it, so that claims on whole models under other scopes do not conflict", async () => {
    const { writeOne, claims } = createWorld({ lockScope, existing: [UUID] });
    await writeOne({ ...NOTES, operation: "UPDATE", id: "1", data: { labels: { add: [UUID] } } });
    expect(claims).toEqual([
      [
        { model: "Note", ids: ["1"], scope: "mine" },
        { model: "Label", ids: [UUID], scope: "mine" },
      ],
    ]);
  });

  test("records to unlink are guarded without it, since they may belong to others", async () => {
    const { writeOne, claims } = createWorld({ lockScope });
    await writeOne({ ...NOTES, operation: "UPDATE", id: "1", data: { labels: { remove: [UUID] } } });
    expect(claims).toEqual([
      [
        { model: "Note", ids: ["1"], scope: "mine" },
        { model: "Label", ids: [UUID], scope: undefined },
      ],
    ]);
  });
});

test("with a viewer's scope, a record is written in a transaction after its guard", async () => {
  const scope = { Note: { id: { gt: 0 } } };
  const { writeOne, steps } = createWorld({ scope });
  expect(await writeOne(CREATE)).toMatchObject({ kind: "WRITTEN" });
  expect(steps).toEqual(["begin", "guard", "write", "commit"]);
});

const EFFECTS: EffectPlan = {
  models: ["Label", "Note"],
  claims: () => Promise.reject(new Error("for sets")),
  async *waves() {
    yield await Promise.resolve([{ model: "Label", ids: ["a"] }]);
    yield [{ model: "Label", ids: ["b"] }];
  },
};

test("the models of side effects are entered with the record's guard, and the waves are guarded before the write", async () => {
  for (const request of [UPDATE, DELETE]) {
    const { writeOne, steps, claims } = createWorld({ effects: EFFECTS });
    await writeOne(request);
    expect(steps).toEqual(["begin", "guard", "guard", "guard", "write", "commit"]);
    expect(claims).toMatchObject([
      [
        { model: "Note", ids: ["1"] },
        { model: "Label", ids: [""] },
      ],
      [{ model: "Label", ids: ["a"] }],
      [{ model: "Label", ids: ["b"] }],
    ]);
  }
});

import { afterAll, beforeAll, expect, it } from "vitest";
import { isAppError, registerDescendants } from "../../../src/index.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import type { ModelOptions } from "../../../src/core/records/model-options.ts";
import type { SqlSession } from "../../../src/kernel/sql-session.ts";
import type { Logger } from "../../../src/kernel/logger.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import type { ThingRow } from "../../support/hooks-engine.ts";
import { SKIP_FAILED } from "../../support/hooks-engine.ts";
import { insertThings } from "../../support/thing-fixture.ts";

const LABELS = 10;
let engine: EngineFixture;
const errors: unknown[] = [];

/** The label that a thing's hook counts up: many things share one. */
const labelOf = (id: string): string => String((Number(id) % LABELS) + 1);

/** Registers the labels of the written things, and writes them; a writer of labels writes things in turn. */
const rules: Record<string, ModelOptions<ThingRow, SqlSession>> = {
  Thing: {
    hooks: {
      async afterUpdate({ records }, { prisma }) {
        const labels = [...new Set(records.map(({ id }) => labelOf(id)))];
        await registerDescendants("Label", labels);
        await prisma.query("UPDATE label SET name = name || '+' WHERE id = ANY ($1::int[])", [labels]);
      },
    },
  },
  Label: {
    hooks: {
      async afterUpdate({ records }, { prisma }) {
        const things = records.map(({ id }) => String(100 + Number(id)));
        await registerDescendants("Thing", things);
        await prisma.query("UPDATE thing SET untouched = untouched || '+' WHERE id = ANY ($1::int[])", [
          things,
        ]);
      },
    },
  },
};

beforeAll(async () => {
  const ignore = (): void => undefined;
  const note = (fields: { readonly err?: unknown }): void => {
    // A circle of waiting tasks is reported, too.
    if (!isAppError(fields.err, "CONFLICT")) {
      errors.push(fields);
    }
  };
  const logger: Logger = { debug: ignore, info: ignore, warn: note, error: note };
  engine = await createEngineFixture({
    chunkRecords: 5,
    workerConcurrency: 4,
    logger,
    modelOptions: rules as never,
  });
  await insertThings(engine.session, 120);
  await engine.pool.query("INSERT INTO label (id, name) SELECT g, 'l' || g FROM generate_series(1, 10) g");
});
afterAll(() => engine.stop());

const bulkThings = (from: number, onConflict: "WAIT" | "SKIP" | "REJECT"): Promise<unknown> =>
  engine.launch({
    operation: "UPDATE",
    change: { count: { increment: 1 } },
    selection: { ids: Array.from({ length: 10 }, (_, at) => String(from + at)) },
    options: { ...SKIP_FAILED, onConflict },
  });

const single = (model: "Thing" | "Label", id: string): Promise<unknown> =>
  engine.writeOne({
    model,
    viewer: ANONYMOUS,
    operation: "UPDATE",
    id,
    data: model === "Thing" ? { count: 1 } : { name: `single ${id} ${Math.random()}` },
  });

async function deadlocks(): Promise<number> {
  // Counters of the own session are reported at once; those of others within a second.
  const [row] = await engine.session.query<{ count: number }>(
    "SELECT deadlocks::int AS count FROM pg_stat_database WHERE datname = current_database()",
  );
  return row?.count ?? -1;
}

it("a crowd of tasks and single writes that register each other's records ends without a deadlock", async () => {
  const crowd = async (): Promise<readonly unknown[]> =>
    Promise.all(
      Array.from({ length: 8 }, (_, round) => [
        bulkThings(1 + round * 10, "WAIT"),
        bulkThings(1 + ((round * 7) % 80), "SKIP"),
        ...Array.from({ length: 6 }, (_each, at) =>
          single("Thing", String(1 + ((round * 13 + at * 17) % 80))),
        ),
        ...Array.from({ length: 4 }, (_each, at) => single("Label", String(1 + ((round + at * 3) % LABELS)))),
      ]).flat(),
    );
  const outcomes = (await withDeadline(crowd(), 60_000, "the crowd's writes")) as readonly {
    readonly kind: string;
    readonly task?: { readonly id: string };
  }[];
  const kinds = new Set(outcomes.map(({ kind }) => kind));
  expect([...kinds].filter((kind) => !["WRITTEN", "CONFLICT", "LAUNCHED"].includes(kind))).toEqual([]);
  const launched = outcomes.flatMap(({ task }) => (task === undefined ? [] : [task.id]));
  const settled = await withDeadline(
    Promise.all(launched.map((id) => engine.settled(id))),
    60_000,
    "the tasks",
  );
  // Tasks that hold labels and wait for those of each other are told so.
  const failed = settled.filter(({ status }) => status === "FAILED");
  expect(
    failed.filter(({ message }) => message?.includes("None of these tasks could ever go on") !== true),
  ).toEqual([]);
  const waited = settled.filter(({ onConflict, status }) => onConflict === "WAIT" && status !== "FAILED");
  expect(waited.every(({ progress }) => progress.succeeded === 10)).toBe(true);
  expect(await engine.session.query("SELECT FROM powercrud.lock WHERE ticket IS NULL")).toEqual([]);
  expect(await deadlocks()).toBe(0);
  expect(errors).toEqual([]);
});

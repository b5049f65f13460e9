import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import type { RunContext } from "../../../src/core/tasks/define-task.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";

const CIRCLE: Record<string, unknown> = {};
CIRCLE["self"] = CIRCLE;
const HALF = "\uD800";

/** Tasks as untyped code may write them. */
const RUNS: Readonly<Record<string, (context: RunContext) => unknown>> = {
  throwNul: () => {
    throw new Error(`bad input: a\u0000b${HALF}`);
  },
  throwNothing: () => {
    throw Object.create(null);
  },
  reportNul: ({ progress }) => progress.add(1, "a\u0000b"),
  sayNul: ({ progress }) => progress.say("a\u0000b"),
  resultNul: () => ({ lines: ["fine", "a\u0000b"] }),
  resultHalf: () => ({ [HALF]: 1 }),
  resultCircle: () => CIRCLE,
  resultInfinite: () => ({ rows: [1, Number.POSITIVE_INFINITY] }),
  resultBigInt: () => ({ rows: 10n }),
  resultFunction: () => () => 1,
  resultDate: () => ({ at: new Date(0), none: undefined }),
  returnNothing: () => undefined,
  countFraction: ({ progress }) => progress.add(1.5),
  countHuge({ progress }) {
    progress.add(2_000_000_000);
    progress.add({ failed: 2_000_000_000 });
  },
  reportNaN: ({ progress }) => progress.add({ succeeded: Number.NaN }),
  totalNegative: ({ progress }) => progress.total(-1),
};

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture({
    tasks: Object.entries(RUNS).map(([kind, call]) =>
      defineTask({ kind, run: async (context) => call(context) }),
    ),
  });
  await insertThings(engine.session, 3);
});

afterAll(async () => {
  await engine.stop();
});

async function run(kind: string): Promise<Task> {
  const outcome = await launchCustom(engine.ports, {
    kind,
    input: {},
    viewer: ANONYMOUS,
    options: { mode: "ASYNC" },
  });
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(`not launched: ${outcome.kind}`);
  }
  return engine.settled(outcome.task.id);
}

describe("the end of run", () => {
  it.each([
    ["throwNul", "FAILED", "bad input: a\uFFFDb\uFFFD"],
    ["throwNothing", "FAILED", "The handler threw a value that cannot be shown."],
    ["sayNul", "SUCCEEDED", null],
    ["reportNul", "SUCCEEDED", null],
    ["returnNothing", "SUCCEEDED", null],
    [
      "resultNul",
      "FAILED",
      "The result of the task cannot be stored: lines.1 holds a NUL character or half of a character.",
    ],
    [
      "resultHalf",
      "FAILED",
      "The result of the task cannot be stored: a key holds a NUL character or half of a character.",
    ],
    [
      "resultCircle",
      "FAILED",
      "The result of the task cannot be stored: Converting circular structure to JSON",
    ],
    [
      "resultInfinite",
      "FAILED",
      "The result of the task cannot be stored: it holds the number Infinity, which JSON does not have.",
    ],
    [
      "resultBigInt",
      "FAILED",
      "The result of the task cannot be stored: Do not know how to serialize a BigInt",
    ],
    ["resultFunction", "FAILED", "The result of the task cannot be stored: it is no JSON value."],
    ["countFraction", "FAILED", "succeeded must be a whole number from 0 to 2147483647, not 1.5."],
    [
      "countHuge",
      "FAILED",
      "the sum of the counts must be a whole number from 0 to 2147483647, not 4000000000.",
    ],
    ["reportNaN", "FAILED", "succeeded must be a whole number from 0 to 2147483647, not NaN."],
    ["totalNegative", "FAILED", "total must be a whole number from 0 to 2147483647, not -1."],
  ])("settles the task that %s runs", async (kind, status, message) => {
    const task = await run(kind);
    expect(task).toMatchObject({ status, message, attempt: 1 });
    expect(await engine.ports.locks.heldBy(task.id)).toEqual([]);
  });

  it("stores a result as JSON", async () => {
    expect(await run("resultDate")).toMatchObject({
      status: "SUCCEEDED",
      result: { at: "1970-01-01T00:00:00.000Z" },
    });
  });
});

describe("a settlement that the database refuses", () => {
  it("makes the task FAILED with its counts, and releases its records", async () => {
    await engine.session.query(`
      CREATE FUNCTION refuse_success() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'secret'; END $$`);
    await engine.session.query(`
      CREATE TRIGGER refuse_success BEFORE UPDATE ON powercrud.task FOR EACH ROW
      WHEN (NEW.status = 'SUCCEEDED') EXECUTE FUNCTION refuse_success()`);
    try {
      const launched = await engine.launched({
        operation: "UPDATE",
        change: { count: { increment: 1 } },
        options: { mode: "ASYNC", errorPolicy: "SKIP_FAILED" },
      });
      const task = await engine.settled(launched.id);
      expect(task).toMatchObject({
        status: "FAILED",
        message: "The end of the task could not be recorded. The details are in the service's log.",
        attempt: 1,
        progress: { succeeded: 3 },
      });
      expect(await engine.ports.locks.heldBy(task.id)).toEqual([]);
    } finally {
      await engine.session.query("DROP TRIGGER refuse_success ON powercrud.task");
    }
  });
});

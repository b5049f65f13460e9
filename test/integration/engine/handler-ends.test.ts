import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import type { AttemptContext } from "../../../src/core/tasks/task-definition.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";

const CIRCLE: Record<string, unknown> = {};
CIRCLE["self"] = CIRCLE;
const HALF = "\uD800";

/** Handlers as untyped code may write them. */
const HANDLERS: Readonly<Record<string, (context: AttemptContext) => unknown>> = {
  throwNul: () => {
    throw new Error(`bad input: a\u0000b${HALF}`);
  },
  throwNothing: () => {
    throw Object.create(null);
  },
  sayNul: () => ({ message: "a\u0000b" }),
  reportNul({ reportProgress }) {
    reportProgress({ succeeded: 1 }, "a\u0000b");
    return {};
  },
  resultNul: () => ({ result: { lines: ["fine", "a\u0000b"] } }),
  resultHalf: () => ({ result: { [HALF]: 1 } }),
  resultCircle: () => ({ result: CIRCLE }),
  resultInfinite: () => ({ result: { rows: [1, Number.POSITIVE_INFINITY] } }),
  resultBigInt: () => ({ result: { rows: 10n } }),
  resultFunction: () => ({ result: () => 1 }),
  resultDate: () => ({ result: { at: new Date(0), none: undefined } }),
  returnNothing: () => undefined,
  countFraction: () => ({ counts: { succeeded: 1.5, failed: 0, skipped: 0 } }),
  countHalf: () => ({ counts: { succeeded: 1 } }),
  countHuge: () => ({ counts: { succeeded: 2_000_000_000, failed: 2_000_000_000, skipped: 0 } }),
  reportNaN({ reportProgress }) {
    reportProgress({ succeeded: Number.NaN });
    return {};
  },
  totalNegative({ setTotal }) {
    setTotal(-1);
    return {};
  },
  errorsNul: () => ({
    failure: {
      errors: [
        { recordId: "1\u0000", outcome: "FAILED", code: "TASK_FAILED", message: "x\u0000", field: HALF },
      ],
    },
  }),
  errorsNonsense: () => ({ failure: { errors: [{ nonsense: 1 }] } }),
  errorsForeign: () => ({ errors: [{ recordId: "1", outcome: "FAILED", code: "OWN_CODE", message: "x" }] }),
};

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture({
    tasks: Object.entries(HANDLERS).map(([kind, handle]) => ({
      kind,
      handle: async (context) => (await handle(context)) as never,
    })),
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
    claims: [],
  });
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(`not launched: ${outcome.kind}`);
  }
  return engine.settled(outcome.task.id);
}

describe("a handler's end", () => {
  it.each([
    ["throwNul", "FAILED", "bad input: a\uFFFDb\uFFFD"],
    ["throwNothing", "FAILED", "The handler threw a value that cannot be shown."],
    ["sayNul", "SUCCEEDED", "a\uFFFDb"],
    ["reportNul", "SUCCEEDED", null],
    [
      "returnNothing",
      "FAILED",
      "The handler returned undefined. It must return an object; {} says that all went well.",
    ],
    [
      "resultNul",
      "FAILED",
      "The handler's result cannot be stored: lines.1 holds a NUL character or half of a character.",
    ],
    [
      "resultHalf",
      "FAILED",
      "The handler's result cannot be stored: a key holds a NUL character or half of a character.",
    ],
    [
      "resultCircle",
      "FAILED",
      "The handler's result cannot be stored: Converting circular structure to JSON",
    ],
    [
      "resultInfinite",
      "FAILED",
      "The handler's result cannot be stored: it holds the number Infinity, which JSON does not have.",
    ],
    [
      "resultBigInt",
      "FAILED",
      "The handler's result cannot be stored: Do not know how to serialize a BigInt",
    ],
    ["resultFunction", "FAILED", "The handler's result cannot be stored: it is no JSON value."],
    [
      "countFraction",
      "FAILED",
      "The handler's counts cannot be stored: succeeded must be a whole number from 0 to 2147483647, not 1.5.",
    ],
    [
      "countHalf",
      "FAILED",
      "The handler's counts cannot be stored: failed must be a whole number from 0 to 2147483647, not undefined.",
    ],
    [
      "countHuge",
      "FAILED",
      "The handler's counts cannot be stored: the sum of the counts must be a whole number from 0 to 2147483647, not 4000000000.",
    ],
    ["reportNaN", "FAILED", "succeeded must be a whole number from 0 to 2147483647, not NaN."],
    ["totalNegative", "FAILED", "total must be a whole number from 0 to 2147483647, not -1."],
    [
      "errorsNonsense",
      "FAILED",
      "The handler's errors cannot be stored: errors.0.recordId must be text or null, not undefined.",
    ],
    [
      "errorsForeign",
      "FAILED",
      "The handler's errors cannot be stored: errors.0.code must be one of the service's error codes, not \"OWN_CODE\".",
    ],
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

  it("stores errors with replacement characters for characters that the database cannot store", async () => {
    const task = await run("errorsNul");
    expect(task).toMatchObject({ status: "FAILED", attempt: 1 });
    expect(await engine.ports.tasks.errors(task.id, 0, 10)).toMatchObject([
      { recordId: "1\uFFFD", message: "x\uFFFD", field: "\uFFFD" },
    ]);
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

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { DefinedTask } from "../../../src/core/tasks/define-task.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import type { CustomLaunch } from "../../../src/core/tasks/launch/launch-custom.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import type { LaunchOutcome } from "../../../src/core/tasks/launch/launch-outcome.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import { createId } from "../../../src/kernel/ids.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";

let engine: EngineFixture;
/** The inputs that `run` was given. */
let inputs: unknown[] = [];
/** Ends the tasks that wait for it. */
let finish: () => void = () => undefined;
/** Whether `granted` may be launched. */
let isGranted = true;
/** How often the schema of `moody` accepts the input before it refuses it. */
let patience = 0;

const recount = defineTask({
  kind: "recount",
  // option: tasks.model
  model: "Thing",
  input: z.object({
    ids: z.array(z.union([z.string(), z.int()])).min(1),
    since: z.coerce.date().optional(),
    by: z.object({ step: z.int().max(9) }).default({ step: 1 }),
  }),
  // option: tasks.label
  label: ({ input, viewer }) => `recount of ${input.ids.join(", ")} for ${viewer.id ?? "nobody"}`,
  // option: tasks.total
  total: ({ input }) => input.ids.length,
  // option: tasks.claims
  claims: async ({ input }) => [{ model: "Thing", ids: input.ids.map(String) }],
  // option: tasks.access
  access: async ({ input, viewer }) => viewer.id !== "eve" || input.ids.length === 1,
  async run({ input, viewer, task, attempt }) {
    inputs.push(input);
    return { viewer: viewer.id, kind: task.kind, attempt, since: input.since };
  },
});

const TASKS: readonly DefinedTask[] = [
  recount,
  defineTask({
    kind: "linger",
    claims: () => [{ model: "Thing", ids: ["7"] }],
    run: () => new Promise<void>((done) => (finish = done)),
  }),
  defineTask({ kind: "lost", claims: () => [{ model: "Nothing", ids: ["7"] }], run: async () => 1 }),
  defineTask({
    kind: "moody",
    input: {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: async (value) =>
          patience-- > 0 ? { value } : { issues: [{ message: "I do not feel like it.", path: ["song"] }] },
      },
    },
    access: ({ viewer }) => viewer.id !== "eve",
    retries: { max: 3 },
    run: async ({ input }) => input,
  }),
  // JavaScript may return anything.
  defineTask({ kind: "careless", access: ({ input }) => input as boolean, run: async () => 1 }),
  defineTask({
    kind: "granted",
    access: () => isGranted,
    claims: () => [{ model: "Thing", ids: ["7"] }],
    retries: { max: 3 },
    run: async () => "done",
  }),
  defineTask({ kind: "miscounted", total: ({ input }) => input as number, run: async () => 1 }),
  defineTask({
    kind: "keyed",
    input: z.string(),
    concurrency: { max: 1, perKey: ({ input }) => input },
    run: async () => 1,
  }),
];

beforeAll(async () => {
  engine = await createEngineFixture({ tasks: TASKS });
});
afterAll(() => engine.stop());
beforeEach(() => {
  inputs = [];
});

function launch(input: unknown, parts: Partial<CustomLaunch> = {}): Promise<LaunchOutcome> {
  return launchCustom(engine.ports, { kind: "recount", viewer: { id: "ann" }, input, ...parts });
}

function taskOf(outcome: LaunchOutcome): Task {
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(`the launch was refused: ${outcome.kind} ${outcome.message}`);
  }
  return outcome.task;
}

describe("a launch of a task of the app's own", () => {
  it("keeps the input as it came, and gives `run` what the schema made of it, with what the definition says", async () => {
    const raw = { ids: ["007", 8], since: new Date(0) };
    expect(taskOf(await launch(raw, { parent: undefined, schedule: "nightly" }))).toMatchObject({
      status: "SUCCEEDED",
      model: "Thing",
      label: "recount of 007, 8 for ann",
      schedule: "nightly",
      input: { ids: ["007", 8], since: "1970-01-01T00:00:00.000Z" },
      result: { viewer: "ann", kind: "recount", attempt: 1, since: "1970-01-01T00:00:00.000Z" },
      progress: { total: 2 },
    });
    expect(inputs).toEqual([{ ids: ["007", 8], since: new Date(0), by: { step: 1 } }]);
  });

  it("holds the records that its definition claims, by their canonical ids", async () => {
    const held = taskOf(await launch(null, { kind: "linger" }));
    expect(await launch({ ids: ["007"] })).toMatchObject({
      kind: "CONFLICT",
      conflicts: [{ model: "Thing", id: "7", owner: held.id }],
    });
    const waiting = taskOf(await launch({ ids: ["7"] }, { options: { onConflict: "WAIT" } }));
    expect(waiting).toMatchObject({ status: "WAITING", blockedBy: held.id });
    await expect.poll(async () => (await engine.task(held.id)).status).toBe("RUNNING");
    finish();
    expect(await engine.settled(waiting.id)).toMatchObject({ status: "SUCCEEDED" });
  });

  it.each([
    [{}, ["input.ids"]],
    [{ ids: ["1"], by: { step: 10 } }, ["input.by.step"]],
    [{ ids: [{}], since: "yesterday" }, ["input.ids.0", "input.since"]],
    ["1", ["input"]],
    [undefined, ["input"]],
    [{ ids: ["1"], by: 10n }, ["input"]],
    [{ ids: ["a\u0000b"] }, ["input"]],
    [{ ids: ["one"] }, [undefined]],
  ])("is refused for the input %o, with the fields at fault", async (input, fields) => {
    const refused = await launch(input, { options: { mode: "ASYNC" } });
    expect(refused).toMatchObject({
      kind: "INVALID",
      problems: fields.map(() => ({ code: "VALIDATION_FAILED" })),
    });
    expect(refused.kind === "INVALID" && refused.problems.map(({ field }) => field)).toEqual(fields);
    expect(await engine.ports.tasks.list({ statuses: ["PENDING", "RUNNING"], limit: 10 })).toEqual([]);
  });

  it("says what is wrong with an input, and with an id that cannot be claimed", async () => {
    expect(await launch({ ids: [] })).toMatchObject({
      message: "input.ids: Too small: expected array to have >=1 items",
    });
    expect(await launch({ ids: ["one"] })).toMatchObject({
      message: 'The task cannot claim a record: "one" is not an id of Thing: expected the text of id Int.',
    });
    await expect(launch(null, { kind: "lost" })).rejects.toMatchObject({ code: "UNKNOWN_MODEL" });
    await expect(launch(null, { kind: "bulkUpdate" })).rejects.toMatchObject({ code: "UNKNOWN_KIND" });
    await expect(launch(null, { kind: "none" })).rejects.toThrow('There is no task kind "none"');
  });

  it("is refused to a viewer whom its definition does not allow it with this input", async () => {
    const eve = { viewer: { id: "eve" } };
    expect(await launch({ ids: ["1", "2"] }, eve)).toEqual({
      kind: "FORBIDDEN",
      message: "You may not launch recount with this input.",
    });
    expect(taskOf(await launch({ ids: ["1"] }, eve))).toMatchObject({ status: "SUCCEEDED" });
  });
});

it("a viewer who may not launch it any more when its turn comes ends the task, without another attempt", async () => {
  const held = taskOf(await launch(null, { kind: "linger" }));
  const { id, status } = taskOf(await launch(1, { kind: "granted", options: { onConflict: "WAIT" } }));
  expect(status).toBe("WAITING");
  await expect.poll(async () => (await engine.task(held.id)).status).toBe("RUNNING");
  isGranted = false;
  finish();
  const message = "The viewer who launched the task may not launch granted with this input any more.";
  expect(await engine.settled(id)).toMatchObject({ status: "FAILED", attempt: 1, failures: 0, message });
  expect(await engine.ports.tasks.errors(id, 0, 10)).toMatchObject([
    { recordId: null, outcome: "FAILED", code: "FORBIDDEN", message },
  ]);
  isGranted = true;
  const again = taskOf(await engine.retry({ taskId: id, viewer: { id: "ann" } }));
  expect(await engine.settled(again.id)).toMatchObject({ status: "SUCCEEDED", result: "done" });
});

describe("a definition that returns what it must not", () => {
  it.each([null, 1, "no"])("allows a launch by nothing but true: not by %j", async (input) => {
    expect(await launch(input, { kind: "careless" })).toMatchObject({ kind: "FORBIDDEN" });
    expect(await launch(true, { kind: "careless" })).toMatchObject({ kind: "LAUNCHED" });
  });

  it.each([-1, 1.5, 1e12, "x"])("is told what a total must be, instead of %j", async (input) => {
    await expect(launch(input, { kind: "miscounted" })).rejects.toThrow(
      `miscounted: total must be a whole number from 0 to 2147483647, not ${input}.`,
    );
  });

  it("may name keys of concurrency of any length", async () => {
    const key = Array.from({ length: 1000 }, (_, at) => createId(new Date(at))).join();
    const tasks = await Promise.all([`${key}a`, `${key}b`].map((input) => launch(input, { kind: "keyed" })));
    for (const task of tasks.map(taskOf)) {
      expect((await engine.settled(task.id)).status).toBe("SUCCEEDED");
    }
  });
});

describe("an input that its definition does not accept any more", () => {
  it("makes the task FAILED at once in the worker; a retry is a launch by its own viewer", async () => {
    patience = 1;
    const launched = await launch({ song: "la" }, { kind: "moody", options: { mode: "ASYNC" } });
    const { id } = taskOf(launched);
    const message = "input.song: I do not feel like it.";
    expect(await engine.settled(id)).toMatchObject({
      status: "FAILED",
      attempt: 1,
      failures: 0,
      message: `The task's definition does not accept its input any more. ${message}`,
    });
    expect(await engine.ports.tasks.errors(id, 0, 10)).toMatchObject([
      { recordId: null, code: "VALIDATION_FAILED", field: "input.song", message },
    ]);
    expect(await engine.retry({ taskId: id, viewer: { id: "bea" } })).toMatchObject({
      kind: "INVALID",
      message,
    });
    patience = 10;
    expect(await engine.retry({ taskId: id, viewer: { id: "eve" } })).toMatchObject({ kind: "FORBIDDEN" });
    const again = taskOf(await engine.retry({ taskId: id, viewer: { id: "bea" } }));
    expect(await engine.settled(again.id)).toMatchObject({
      result: { song: "la" },
      retryOf: id,
      viewer: { id: "bea" },
    });
  });
});

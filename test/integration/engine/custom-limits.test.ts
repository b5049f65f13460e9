import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import type { RunContext } from "../../../src/core/tasks/define-task.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import { tasks } from "../../../src/core/tasks/launch/launch-own.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { pauseTask } from "../../../src/core/tasks/run/pause-task.ts";
import { resumeTask } from "../../../src/core/tasks/run/resume-task.ts";
import { NO_COUNTS } from "../../../src/core/tasks/progress.ts";
import type { LaunchOptions } from "../../../src/core/tasks/launch-options.ts";
import { isAppError } from "../../../src/kernel/app-error.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { PATIENT } from "../../support/sweep-options.ts";

/** Ends the attempt of the task with that input. */
const ends = new Map<string, () => void>();
/** The inputs in the order in which their attempts began. */
let begun: string[] = [];
let running = 0;
let mostRunning = 0;

const run = async ({ input, signal }: Pick<RunContext<string>, "input" | "signal">): Promise<void> => {
  running += 1;
  mostRunning = Math.max(mostRunning, running);
  begun.push(input);
  await new Promise<void>((resolve) => {
    ends.set(input, resolve);
    signal.addEventListener("abort", () => resolve());
  });
  running -= 1;
  signal.throwIfAborted();
};

let engine: EngineFixture;
beforeAll(async () => {
  engine = await createEngineFixture({
    workerConcurrency: 8,
    // No heartbeat comes by itself: one of a settled task would end its attempt, and pass its slot on.
    leaseMs: 60_000,
    tasks: [
      // option: tasks.concurrency.max
      defineTask({ kind: "pair", input: z.string(), concurrency: { max: 2 }, run }),
      defineTask({
        kind: "perLetter",
        input: z.string(),
        // option: tasks.concurrency.perKey
        concurrency: { max: 1, perKey: ({ input }) => input.slice(0, 1) },
        run,
      }),
      defineTask({
        kind: "family",
        input: z.string(),
        concurrency: { max: 2 },
        async run(context) {
          await run(context);
          if (context.input.endsWith("'s child")) {
            return null;
          }
          const launched = await tasks
            .launch("family", `${context.input}'s child`, { asChild: { wait: true } })
            .catch((error: unknown) => (isAppError(error) ? error.code : error));
          return typeof launched === "object" && launched !== null && "kind" in launched
            ? "waited"
            : launched;
        },
      }),
    ],
  });
});
afterAll(() => engine.stop());
beforeEach(() => {
  [begun, running, mostRunning] = [[], 0, 0];
  ends.clear();
});

async function launch(kind: string, input: string, options: LaunchOptions = {}): Promise<string> {
  const outcome = await launchCustom(engine.ports, { kind, input, options: { mode: "ASYNC", ...options } });
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(`the launch was refused: ${outcome.kind} ${outcome.message}`);
  }
  return outcome.task.id;
}

async function untilBegun(...inputs: string[]): Promise<void> {
  await expect.poll(() => begun).toEqual(inputs);
}

/** Resolves once the task was delivered, and waits for a slot of its key. */
async function untilAwaiting(id: string): Promise<void> {
  const readSlot = async (): Promise<unknown> =>
    (await engine.pool.query("SELECT slot FROM powercrud.task WHERE id = $1::uuid", [id])).rows[0];
  await expect.poll(readSlot).toEqual({ slot: "AWAITED" });
}

const end = (input: string): void => ends.get(input)?.();

describe("a limit of concurrency", () => {
  it("lets as many tasks of a kind run as it says, the oldest first", async () => {
    const ids: string[] = [];
    for (const input of ["a", "b"]) {
      ids.push(await launch("pair", input));
    }
    await expect.poll(() => begun.toSorted()).toEqual(["a", "b"]);
    for (const input of ["c", "d", "e", "f"]) {
      const id = await launch("pair", input);
      ids.push(id);
      await untilAwaiting(id);
    }
    expect(await engine.task(ids[2] ?? "")).toMatchObject({ status: "PENDING", attempt: 0 });
    const first = begun.slice(0, 2);
    for (const [at, input] of ["a", "b", "c", "d"].entries()) {
      end(input);
      await untilBegun(...first, ...["c", "d", "e", "f"].slice(0, at + 1));
    }
    ["e", "f"].forEach(end);
    for (const id of ids) {
      expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", attempt: 1 });
    }
    expect(mostRunning).toBe(2);
  });

  it("counts each key by itself, also for a task that is to run in its request", async () => {
    const first = await launch("perLetter", "a1");
    await untilBegun("a1");
    const second = await launch("perLetter", "a2", { mode: "SYNC" });
    expect(await engine.task(second)).toMatchObject({ status: "PENDING", attempt: 0 });
    const other = await launch("perLetter", "b1");
    await untilBegun("a1", "b1");
    ["a1", "b1"].forEach(end);
    await untilBegun("a1", "b1", "a2");
    end("a2");
    for (const id of [first, second, other]) {
      expect((await engine.settled(id)).status).toBe("SUCCEEDED");
    }
  });

  it("gives the slot of a cancelled task on, and forgets a cancelled task that waits for one", async () => {
    await launch("perLetter", "c1");
    await untilBegun("c1");
    const second = await launch("perLetter", "c2");
    const third = await launch("perLetter", "c3");
    await Promise.all([second, third].map(untilAwaiting));
    await cancelTask(engine.ports, { taskId: second, viewer: ANONYMOUS });
    expect((await engine.task(second)).status).toBe("CANCELLED");
    end("c1");
    await untilBegun("c1", "c3");
    end("c3");
    expect((await engine.settled(third)).status).toBe("SUCCEEDED");
  });

  it("gives the slot of a paused task on, which waits for one when it is resumed", async () => {
    const first = await launch("perLetter", "p1");
    await untilBegun("p1");
    const second = await launch("perLetter", "p2");
    await untilAwaiting(second);
    await pauseTask(engine.ports, { taskId: first, viewer: ANONYMOUS });
    await untilBegun("p1", "p2");
    expect((await engine.task(first)).status).toBe("PAUSED");
    await resumeTask(engine.ports, { taskId: first });
    await untilAwaiting(first);
    expect((await engine.task(first)).status).toBe("PENDING");
    end("p2");
    await untilBegun("p1", "p2", "p1");
    end("p1");
    expect(await engine.settled(first)).toMatchObject({ status: "SUCCEEDED", attempt: 2 });
    expect((await engine.settled(second)).status).toBe("SUCCEEDED");
  });

  it("is kept going by the sweeper if a process died between the end of a task and the next one", async () => {
    const first = await launch("perLetter", "d1");
    await untilBegun("d1");
    const second = await launch("perLetter", "d2");
    await untilAwaiting(second);
    await engine.ports.unitOfWork.run((transaction) =>
      engine.ports.tasks.settle(transaction, first, 1, {
        status: "SUCCEEDED",
        message: null,
        result: null,
        counts: NO_COUNTS,
        finishedAt: new Date(),
      }),
    );
    expect(begun).toEqual(["d1"]);
    expect((await sweep(engine.ports, PATIENT)).enqueued).toEqual([second]);
    await untilBegun("d1", "d2");
    ["d1", "d2"].forEach(end);
    expect((await engine.settled(second)).status).toBe("SUCCEEDED");
  });

  it("lets no tasks wait for ever for children that may not run beside them", async () => {
    const parents = [await launch("family", "a"), await launch("family", "b")];
    await expect.poll(() => begun.toSorted()).toEqual(["a", "b"]);
    ["a", "b"].forEach(end);
    // One of the parents gives up, and its slot is the children's.
    await expect.poll(() => begun).toHaveLength(3);
    end(begun[2] ?? "");
    await expect.poll(() => begun).toHaveLength(4);
    end(begun[3] ?? "");
    const ended = await Promise.all(parents.map((id) => engine.settled(id)));
    expect(new Set(ended.map(({ result }) => result))).toEqual(new Set(["CONFLICT", "waited"]));
    expect(begun.slice(2).toSorted()).toEqual(["a's child", "b's child"]);
    expect(mostRunning).toBe(2);
  });
});

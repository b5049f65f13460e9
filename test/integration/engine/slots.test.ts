import { afterAll, beforeAll, expect, it } from "vitest";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import { createHookListeners } from "../../../src/core/tasks/run/hook-listeners.ts";
import { createRunningAttempts } from "../../../src/core/tasks/run/running-attempts.ts";
import type { QuickSteps } from "../../../src/core/tasks/settle/quick-steps.ts";
import type { QueuedTask } from "../../../src/core/tasks/task-queue.ts";
import type { Service } from "../../../src/kernel/service.ts";
import { createService } from "../../../src/kernel/service.ts";
import type { WorkerPorts } from "../../../src/worker/create-worker.ts";
import { createWorker } from "../../../src/worker/create-worker.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";

let engine: EngineFixture;
let events: string[] = [];

beforeAll(async () => {
  const note = defineTask({ kind: "note", run: async () => void events.push("run") });
  engine = await createEngineFixture({ tasks: [note] });
});
afterAll(() => engine.stop());

/** A worker whose queue is the test: it takes what `deliver` is given. */
function openWorker(parts: Partial<WorkerPorts>): {
  readonly worker: Service;
  /** Resolves once the slot is free. */
  deliver(task: QueuedTask): Promise<void>;
} {
  let deliver = (_task: QueuedTask): Promise<void> => Promise.reject(new Error("nothing consumes"));
  const worker = createWorker({
    ...engine.ports,
    ...parts,
    runningAttempts: createRunningAttempts(engine.ports),
    concurrency: 1,
    queue: {
      ...engine.ports.queue,
      consume({ work }) {
        deliver = work;
        return createService({ name: "test", start: async () => undefined, stop: async () => undefined });
      },
    },
  });
  return { worker, deliver: (task) => deliver(task) };
}

/** Launches a task that no worker has heard of. */
async function launch(): Promise<QueuedTask> {
  const queue = { ...engine.ports.queue, enqueue: async () => undefined };
  const request = { kind: "note", input: null, options: { mode: "ASYNC", allowDuplicate: true } } as const;
  const outcome = await launchCustom({ ...engine.ports, queue }, request);
  return { id: outcome.kind === "LAUNCHED" ? outcome.task.id : outcome.message, attempt: 0 };
}

it("a task is settled beside the next one of its slot, as many as there are slots, and a stop waits for them", async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const steps = engine.ports.steps as QuickSteps;
  const slow: QuickSteps = { ...steps, settle: (ending) => gate.then(() => steps.settle(ending)) };
  const { worker, deliver } = openWorker({ steps: slow });
  await worker.start();
  events = [];
  const [first, second] = [await launch(), await launch()];
  await deliver(first);
  expect((await engine.task(first.id)).status).toBe("RUNNING");
  const next = deliver(second).then(() => events.push("second slot"));
  await expect.poll(() => events, { timeout: 10_000 }).toEqual(["run", "run"]);
  const stopping = worker.stop().then(() => events.push("stopped"));
  expect(events).toEqual(["run", "run"]);
  open();
  await Promise.all([next, stopping]);
  for (const { id } of [first, second]) {
    expect(await engine.task(id)).toMatchObject({ status: "SUCCEEDED", isCleaned: true });
  }
});

it("a hook of its end keeps the slot", async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const hooks = createHookListeners({
    async complete() {
      events.push("hook");
      await gate;
      events.push("hook ended");
    },
  });
  const { worker, deliver } = openWorker({ hooks });
  await worker.start();
  events = [];
  const delivered = deliver(await launch()).then(() => events.push("slot"));
  await expect.poll(() => events, { timeout: 10_000 }).toEqual(["run", "hook"]);
  open();
  await delivered;
  expect(events).toEqual(["run", "hook", "hook ended", "slot"]);
  await worker.stop();
});

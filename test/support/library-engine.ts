import type { Claim } from "../../src/core/locks/claim.ts";
import type { RecordChange } from "../../src/core/records/change.ts";
import type { TaskError } from "../../src/core/tasks/task-error.ts";
import type { LaunchOptions } from "../../src/core/tasks/launch-options.ts";
import type { LaunchOutcome } from "../../src/core/tasks/launch/launch-outcome.ts";
import type { EngineFixture, EngineOverrides } from "./engine-fixture.ts";
import { createEngineFixture } from "./engine-fixture.ts";
import { fillLibrary, LIBRARY_MODELS, LIBRARY_TABLES } from "./library-fixture.ts";

/** An engine on the library. Tests can keep tasks from running. */
export interface LibraryEngine {
  readonly engine: EngineFixture;
  /** Fills the library anew, and releases all locks. */
  reset(): Promise<void>;
  remove(model: string, ids: readonly string[], options?: LaunchOptions): Promise<LaunchOutcome>;
  /** Updates the records; by default their notes. */
  change(
    model: string,
    ids: readonly string[],
    data?: RecordChange,
    options?: LaunchOptions,
  ): Promise<LaunchOutcome>;
  /** Launches a task that holds its claims and does not run. @returns its id */
  held(launch: () => Promise<LaunchOutcome>): Promise<string>;
  /** Does the work while no task reaches the queue. */
  whileClosed<T>(work: () => Promise<T>): Promise<T>;
  /** Runs a task that was kept from the queue. @returns its final status */
  settle(taskId: string): Promise<string>;
  /** The task's first errors, without their positions. */
  errorsOf(taskId: string): Promise<readonly Partial<TaskError>[]>;
  claimsOf(taskId: string): Promise<Record<string, Claim["ids"]>>;
  /** Releases the holder's locks as if its process had died before it promoted the waiting task. */
  orphan(holder: string, waiting: string): Promise<void>;
  count(table: string): Promise<number>;
}

/** Chunks have two records. Above 30 records the whole model is locked. */
export async function createLibraryEngine(overrides: EngineOverrides = {}): Promise<LibraryEngine> {
  let isOpen = true;
  const engine = await createEngineFixture({
    models: LIBRARY_MODELS,
    tables: LIBRARY_TABLES,
    lockEscalationRecords: 30,
    chunkRecords: 2,
    queue: (real) => ({
      ...real,
      enqueue: (tasks) => (isOpen ? real.enqueue(tasks) : Promise.resolve()),
    }),
    ...overrides,
  });
  const release = (owner: string): Promise<void> =>
    engine.ports.unitOfWork.run((transaction) => engine.ports.locks.release(transaction, owner));
  const whileClosed: LibraryEngine["whileClosed"] = async (work) => {
    isOpen = false;
    try {
      return await work();
    } finally {
      isOpen = true;
    }
  };
  return {
    engine,
    whileClosed,
    async reset() {
      await engine.session.query("DELETE FROM powercrud.lock");
      await fillLibrary(engine.session);
    },
    async errorsOf(taskId) {
      const errors = await engine.ports.tasks.errors(taskId, 0, 10);
      return errors.map(({ recordId, outcome, code, message }) => ({ recordId, outcome, code, message }));
    },
    remove: (model, ids, options = {}) =>
      engine.launch({
        operation: "DELETE",
        model,
        selection: { ids },
        options: { mode: "ASYNC", ...options },
      }),
    change: (model, ids, data = { note: { set: "changed" } }, options = {}) =>
      engine.launch({
        operation: "UPDATE",
        change: data,
        model,
        selection: { ids },
        options: { mode: "ASYNC", ...options },
      }),
    held: (launch) => whileClosed(async () => taskOf(await launch())),
    async settle(taskId) {
      await engine.ports.queue.enqueue([{ id: taskId, attempt: 0 }]);
      return (await engine.settled(taskId)).status;
    },
    async claimsOf(taskId) {
      const claims = await engine.ports.locks.heldBy(taskId);
      return Object.fromEntries(claims.map(({ model, ids }) => [model, ids]));
    },
    async orphan(holder, waiting) {
      await release(holder);
      const orphan = "UPDATE powercrud.task SET blocked_by = gen_random_uuid() WHERE id = $1";
      await engine.session.query(orphan, [waiting]);
    },
    async count(table) {
      const [row] = await engine.session.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
      return row?.n ?? -1;
    },
  };
}

/** The id of the launched task. @throws when the launch was refused */
export function taskOf(outcome: LaunchOutcome): string {
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(`${outcome.kind}: ${outcome.message}`);
  }
  return outcome.task.id;
}

import type { Claim } from "../../src/core/locks/claim.ts";
import type { RecordChange } from "../../src/core/records/change.ts";
import type { TaskError } from "../../src/core/tasks/task-error.ts";
import type { LaunchOptions } from "../../src/core/tasks/launch-options.ts";
import type { LaunchOutcome } from "../../src/core/tasks/launch/launch-outcome.ts";
import type { EngineFixture, EngineOverrides } from "./engine-fixture.ts";
import { createEngineFixture } from "./engine-fixture.ts";
import { fillLibrary, LIBRARY_MODELS, LIBRARY_TABLES } from "./library-fixture.ts";

/** An engine on the library, whose tasks may be kept from running. */
export interface LibraryEngine {
  readonly engine: EngineFixture;
  /** Fills the library anew, and takes from all tasks what they hold. */
  reset(): Promise<void>;
  remove(model: string, ids: readonly string[], options?: LaunchOptions): Promise<LaunchOutcome>;
  /** Of their notes, unless told otherwise. */
  change(
    model: string,
    ids: readonly string[],
    data?: RecordChange,
    options?: LaunchOptions,
  ): Promise<LaunchOutcome>;
  /** A task that is accepted, holds what it claims, and does not run. @returns its id */
  held(launch: () => Promise<LaunchOutcome>): Promise<string>;
  /** Does something while no task reaches the queue. */
  whileClosed<T>(work: () => Promise<T>): Promise<T>;
  /** Runs what was kept back. @returns the status in the end */
  settle(taskId: string): Promise<string>;
  /** The task's first errors, without their places. */
  errorsOf(taskId: string): Promise<readonly Partial<TaskError>[]>;
  claimsOf(taskId: string): Promise<Record<string, Claim["ids"]>>;
  /** As if the process that settled the holder had died before it let the waiting one go on. */
  letGo(holder: string, waiting: string): Promise<void>;
  count(table: string): Promise<number>;
}

/** With chunks of two records; more than 30 of a model are claimed as the whole. */
export async function createLibraryEngine(overrides: EngineOverrides = {}): Promise<LibraryEngine> {
  let isOpen = true;
  const engine = await createEngineFixture({
    models: LIBRARY_MODELS,
    tables: LIBRARY_TABLES,
    lockEscalationRecords: 30,
    maxChunkRecords: 2,
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
    async letGo(holder, waiting) {
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

/** The id of a task that must have been accepted. */
export function taskOf(outcome: LaunchOutcome): string {
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(`${outcome.kind}: ${outcome.message}`);
  }
  return outcome.task.id;
}

import { defineTask } from "../../src/index.ts";
import { ANONYMOUS } from "../../src/core/access/viewer.ts";
import type { ModelOptions } from "../../src/core/records/model-options.ts";
import type { RunContext } from "../../src/core/tasks/define-task.ts";
import type { LaunchOptions } from "../../src/core/tasks/launch-options.ts";
import { launchTask } from "../../src/core/tasks/launch/launch-task.ts";
import type { Json } from "../../src/kernel/json.ts";
import type { Task } from "../../src/core/tasks/task.ts";
import { createId } from "../../src/kernel/ids.ts";
import type { SqlSession } from "../../src/kernel/sql-session.ts";
import { withDeadline } from "./deadline.ts";
import type { EngineFixture } from "./engine-fixture.ts";
import { createEngineFixture } from "./engine-fixture.ts";
import type { Holder } from "./hold-records.ts";
import { holdRecords } from "./hold-records.ts";
import type { ThingRow } from "./hooks-engine.ts";
import { INCREMENT, SKIP_FAILED } from "./hooks-engine.ts";
import { insertThings } from "./thing-fixture.ts";
import { emptying } from "./empty-tables.ts";

/** An engine with one place for tasks, on 40 things in chunks of 20. Each test sets the app's code. */
export interface NestedEngine {
  readonly engine: EngineFixture;
  readonly app: {
    /** The options of Thing. */
    rules: ModelOptions<ThingRow, SqlSession>;
    /** What a task of the kind `custom` does. */
    run: (context: RunContext) => Promise<unknown>;
    /** Whether the dependents of the kind `dependent` throw for this input. */
    isDependentWrong: (input: Json) => boolean;
  };
  /** Restores the things, and clears the app's code and all locks. */
  reset(): Promise<void>;
  /** Updates all things, and waits until the task is settled. Default: SKIP_FAILED. */
  run(options?: LaunchOptions): Promise<Task>;
  /** Launches a task of the kind `custom`. @throws when it is refused */
  launchCustom(options?: LaunchOptions): Promise<Task>;
  /** Ids of the things whose count has changed. */
  changedIds(): Promise<readonly number[]>;
  errorsOf(task: Task): Promise<readonly unknown[]>;
  /** Who holds the labels. */
  owners(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Makes a task that holds a label, and that another process seems to run. */
  holdLabel(id: string): Promise<Holder>;
  /** Ends a holder as its settlement would. */
  settleHolder(holder: Holder): Promise<void>;
  /** Resolves once the task shows a message with the text. */
  untilSays(taskId: string, text: string): Promise<void>;
}

export async function createNestedEngine(): Promise<NestedEngine> {
  const app: NestedEngine["app"] = { rules: {}, run: async () => null, isDependentWrong: () => false };
  const engine = await createEngineFixture({
    chunkRecords: 20,
    workerConcurrency: 1,
    modelOptions: {
      get Thing() {
        return app.rules as unknown as ModelOptions;
      },
    },
    tasks: [
      defineTask({ kind: "custom", run: (context) => app.run(context) }),
      defineTask({
        kind: "dependent",
        claims: () => [{ model: "Thing", ids: ["7"] }],
        dependents: { Label: (ids, { input }) => (app.isDependentWrong(input) ? fail() : ids) },
        run: async ({ task }) => (await nested.owners(["7"])).get("7") === task.id,
      }),
    ],
  });
  const nested: NestedEngine = {
    engine,
    app,
    async reset() {
      app.rules = {};
      app.isDependentWrong = () => false;
      app.run = async () => null;
      await engine.pool.query(emptying("powercrud.lock, part, seal, thing, label"));
      await insertThings(engine.session, 40);
    },
    async run(options = SKIP_FAILED) {
      const task = await engine.launched({ ...INCREMENT, options });
      return engine.settled(task.id);
    },
    async launchCustom(options = {}) {
      const outcome = await launchTask(engine.ports, {
        kind: "custom",
        model: null,
        viewer: ANONYMOUS,
        input: null,
        inputHash: createId(new Date()),
        options: { mode: "ASYNC", ...options },
        claims: [],
        records: [],
        maxChunkRecords: 1,
        total: null,
      });
      if (outcome.kind !== "LAUNCHED") {
        throw new Error(outcome.message);
      }
      return outcome.task;
    },
    async changedIds() {
      const rows = await engine.session.query<{ id: number }>(
        "SELECT id FROM thing WHERE count <> id % 100 ORDER BY id",
      );
      return rows.map(({ id }) => id);
    },
    errorsOf: async (task) =>
      (await engine.ports.tasks.errors(task.id, 0, 100)).map(({ position: _position, ...error }) => error),
    owners: (ids) => engine.ports.locks.owners("Label", ids),
    holdLabel: (id) => holdRecords(engine.pool, [{ model: "Label", ids: [id] }], { isBegun: true }),
    async settleHolder(holder) {
      await engine.session.query(
        "UPDATE powercrud.task SET status = 'SUCCEEDED', finished_at = now() WHERE id = $1::uuid",
        [holder.task.id],
      );
      await holder.release();
      await engine.ports.bus.publish("powercrud_tasks", { kind: "LIFECYCLE", taskIds: [holder.task.id] });
    },
    untilSays: (taskId, text) => withDeadline(untilShown(engine, taskId, text), 15_000, `"${text}"`),
  };
  return nested;
}

function fail(): never {
  throw new TypeError("no such column");
}

async function untilShown({ feed }: EngineFixture, taskId: string, text: string): Promise<void> {
  for await (const { progress } of feed.watch(taskId)) {
    if (progress.message?.includes(text) === true) {
      return;
    }
  }
}

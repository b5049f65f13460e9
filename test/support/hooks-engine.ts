import type { BulkRequest } from "../../src/core/bulk/bulk-request.ts";
import type { ModelOptions } from "../../src/core/records/model-options.ts";
import type { LaunchOptions } from "../../src/core/tasks/launch-options.ts";
import type { NewTaskError } from "../../src/core/tasks/task-error.ts";
import type { Task } from "../../src/core/tasks/task.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import type { SqlSession } from "../../src/kernel/sql-session.ts";
import type { EngineFixture } from "./engine-fixture.ts";
import { createEngineFixture } from "./engine-fixture.ts";
import { insertThings } from "./thing-fixture.ts";
import { emptying } from "./empty-tables.ts";

/** The part of a thing that the tests' hooks read. */
export interface ThingRow {
  readonly id: number;
  readonly name: string;
  readonly count: number;
}

export const ALL_OR_NOTHING: LaunchOptions = { errorPolicy: "ALL_OR_NOTHING", mode: "ASYNC" };
export const SKIP_FAILED: LaunchOptions = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" };
export const INCREMENT = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;

/** An engine on 60 things in chunks of 20. Each test sets the app's rules. */
export interface HooksEngine {
  readonly engine: EngineFixture;
  /** Warnings and errors of the engine. */
  readonly logged: { readonly fields: object; readonly message: string }[];
  /** Sets the app's rules for Thing. */
  say(rules: ModelOptions<ThingRow, SqlSession>): void;
  /** Restores the things, and clears rules and log. */
  reset(): Promise<void>;
  /** Launches a task and waits until it is settled. Default: SKIP_FAILED. @throws when the launch is refused */
  run(request: Partial<BulkRequest> & Pick<BulkRequest, "operation">, options?: LaunchOptions): Promise<Task>;
  /** The task's errors by record id, since chunks are written at the same time. */
  errors(task: Task): Promise<readonly NewTaskError[]>;
  /** Ids of the things whose count has changed. */
  changed(): Promise<readonly number[]>;
  /** The names of all labels, in order. */
  labels(): Promise<readonly string[]>;
}

export async function createHooksEngine(): Promise<HooksEngine> {
  let said: ModelOptions<ThingRow, SqlSession> = {};
  const logged: { readonly fields: object; readonly message: string }[] = [];
  const log = (fields: object, message: string): void => void logged.push({ fields, message });
  const logger: Logger = { debug: () => undefined, info: () => undefined, warn: log, error: log };
  const engine = await createEngineFixture({
    chunkRecords: 20,
    logger,
    modelOptions: {
      get Thing() {
        return said as unknown as ModelOptions;
      },
    },
  });
  return {
    engine,
    logged,
    say: (rules) => void (said = rules),
    async reset() {
      said = {};
      logged.length = 0;
      await engine.pool.query(emptying("part, seal, thing, label", { isIdentityRestarted: true }));
      await insertThings(engine.session, 60);
    },
    async run(request, options = SKIP_FAILED) {
      const task = await engine.launched({ ...request, options });
      return engine.settled(task.id);
    },
    async errors(task) {
      const found = await engine.ports.tasks.errors(task.id, 0, 1000);
      return found
        .toSorted((a, b) => Number(a.recordId) - Number(b.recordId))
        .map(({ position: _position, ...error }) => error);
    },
    async changed() {
      const rows = await engine.session.query<{ id: number }>(
        "SELECT id FROM thing WHERE count <> id % 100 ORDER BY id",
      );
      return rows.map(({ id }) => id);
    },
    async labels() {
      const rows = await engine.session.query<{ name: string }>("SELECT name FROM label ORDER BY name");
      return rows.map(({ name }) => name);
    },
  };
}

/** The whole numbers from one to another. */
export function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

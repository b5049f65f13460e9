import type { DefinedTask } from "./define-task.ts";
import type { LockRefusal } from "../locks/lock-store.ts";
import type { Dependents } from "./dependents.ts";
import type { Counts } from "./progress.ts";
import type { RecordBatch } from "./record-batch.ts";
import type { NewTaskError } from "./task-error.ts";
import type { Task } from "./task.ts";
import { RESERVATION_KIND } from "./task.ts";
import { AppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";

/** What a handler is given. */
export interface AttemptContext {
  /** The task as it was when the attempt began; its progress is what earlier attempts left. */
  readonly task: Task;
  /** The fencing token of this attempt. */
  readonly attempt: number;
  /** Whether the launch, which has just asked what its viewer may do, waits for it. Default: it does not. */
  readonly isWithinLaunch?: boolean | undefined;
  /**
   * Aborts when the attempt is to stop, with AppError ATTEMPT_FENCED, CANCELLED or HANDED_OVER. What the handler
   * throws after that counts as this; if it returns, its result counts.
   */
  readonly signal: AbortSignal;
  /**
   * Adds to the counts, and publishes them, throttled. Counts never fall.
   * @param message shown beside the counts until the next one
   * @throws TypeError for counts that are not whole numbers from 0 on; nothing is added then
   */
  reportProgress(added: Partial<Counts>, message?: string): void;
  /**
   * Asks for helpers: other workers, or other slots of this one, run the definition's `help` at the same time. They may
   * come late, or not at all.
   */
  askForHelp(count: number): Promise<void>;
  /**
   * Waits until the tasks that hold these records have settled. Call it outside any transaction, and then try again.
   * @throws the signal's reason when the attempt is to stop; AppError CONFLICT when such a task waits for this one
   */
  untilFree(refusal: LockRefusal): Promise<void>;
  /** Sets the number of records, for handlers that learn it only now. @throws TypeError unless it is a whole number from 0 on */
  setTotal(total: number): void;
}

/** What a helper is given. */
export type HelpContext = Pick<AttemptContext, "task" | "attempt" | "signal" | "untilFree"> & {
  /** Adds to the counts of the attempt that it helps, and shows the message beside them. */
  reportProgress(added: Counts, message?: string): void;
};

/** What a task is given that runs as a part of another task's attempt. */
export type InsideContext = Pick<
  AttemptContext,
  "task" | "attempt" | "signal" | "setTotal" | "reportProgress"
> & {
  /** As the schema returned it. */
  readonly input: unknown;
  /** Prisma's client in the transaction of a hook. Left out: the project's client. */
  readonly prisma?: unknown;
};

/** What a handler returns. */
export interface HandlerResult {
  /** Stored as JSON. A value that cannot be stored makes the task FAILED: a circle, a BigInt, a NUL character. */
  readonly result?: Json;
  readonly message?: string;
  /** Final counts, for handlers that know better than their reports. Default: what was reported. */
  readonly counts?: Counts;
  /** It stopped because the task is cancelled; `counts` say what was done. */
  readonly isCancelled?: boolean;
  /** Recorded with the settlement. Default: none, or the handler has recorded them itself. */
  readonly errors?: readonly NewTaskError[];
  /** The task failed as a whole, because of these records. Without it the counts decide. */
  readonly failure?: { readonly errors: readonly NewTaskError[] };
}

/** The task whose dependents are read. */
export type DependentRequest = Pick<Task, "model" | "input" | "viewer"> & {
  /** The values for each of its records, while the task is being launched; left out once it is stored. */
  readonly batches?: readonly RecordBatch[];
};

/**
 * The registered rules of one kind of task. When the handler returns, the task is SUCCEEDED, PARTIAL if records
 * failed, FAILED if all did; when it throws, FAILED. A handler may run again after a crash, so it must continue from
 * what was committed.
 */
export interface TaskDefinition {
  /** Unique, in camel case: `rebuildStatistics`. */
  readonly kind: string;
  /** What the app says about its own task; left out for the engine's own kinds. */
  readonly own?: DefinedTask;
  handle(context: AttemptContext): Promise<HandlerResult>;
  /** Runs the app's own task as a part of another task's attempt. @returns what its `run` returned */
  runInside?(inside: InsideContext): Promise<unknown>;
  /** Does a part of the work of `handle`, until no work is left. */
  help?(context: HelpContext): Promise<void>;
  /**
   * Describes the records that such a task changes besides its own, so that it claims them, too; undefined where there
   * are none. Called outside any transaction. Default: none.
   */
  dependents?(request: DependentRequest): Promise<Dependents | undefined>;
}

/** All definitions, by kind. */
export interface TaskDefinitions {
  readonly kinds: readonly string[];
  /** Undefined where this process has no definition of the kind. */
  find(kind: string): TaskDefinition | undefined;
  /** @throws AppError UNKNOWN_KIND, with the known kinds */
  get(kind: string): TaskDefinition;
}

/** @throws AppError INVALID_CONFIG when two definitions share a kind */
export function createTaskDefinitions(definitions: readonly TaskDefinition[]): TaskDefinitions {
  const byKind = new Map<string, TaskDefinition>();
  for (const definition of definitions) {
    if (definition.kind === RESERVATION_KIND) {
      throw new AppError(
        "INVALID_CONFIG",
        `No task may have the kind "${RESERVATION_KIND}": reserved records have it.`,
      );
    }
    if (byKind.has(definition.kind)) {
      throw new AppError("INVALID_CONFIG", `Two task definitions share the kind "${definition.kind}".`);
    }
    byKind.set(definition.kind, definition);
  }
  const kinds = [...byKind.keys()];
  return {
    kinds,
    find: (kind) => byKind.get(kind),
    get(kind) {
      const definition = byKind.get(kind);
      if (definition === undefined) {
        throw new AppError("UNKNOWN_KIND", `There is no task kind "${kind}". Known: ${kinds.join(", ")}.`);
      }
      return definition;
    },
  };
}

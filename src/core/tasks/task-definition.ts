import type { Json } from "../../kernel/json.ts";
import type { Dependents } from "./dependents.ts";
import type { Counts } from "./progress.ts";
import type { RecordBatch } from "./record-batch.ts";
import type { NewTaskError } from "./task-error.ts";
import type { Task } from "./task.ts";

/** What a handler is given. */
export interface AttemptContext {
  /** The task as it was when the attempt began; its progress is what earlier attempts left. */
  readonly task: Task;
  /** The fencing token of this attempt. */
  readonly attempt: number;
  /**
   * Aborts when the attempt is to stop, with AppError ATTEMPT_FENCED, CANCELLED or HANDED_OVER. What the handler
   * throws after that counts as this; should it return, its result counts.
   */
  readonly signal: AbortSignal;
  /**
   * Adds to the counts, and publishes them, throttled. Counts never fall.
   * @param message shown beside the counts until the next one
   * @throws TypeError for counts that are no whole numbers from 0 on; nothing is added then
   */
  reportProgress(added: Partial<Counts>, message?: string): void;
  /**
   * Has other workers, or other slots of this one, help with the attempt: each runs the definition's `help` at the same
   * time. Whether and when they come is not sure.
   */
  askForHelp(count: number): Promise<void>;
  /** For handlers that learn only now how much there is to do. @throws TypeError unless it is a whole number from 0 on */
  setTotal(total: number): void;
}

/** What a helper is given. */
export type HelpContext = Pick<AttemptContext, "task" | "attempt" | "signal"> & {
  /** Adds to the counts of the attempt that it helps. */
  reportProgress(added: Counts): void;
};

/** What a handler hands back when it did not throw. */
export interface HandlerResult {
  /** Kept as JSON has it. What cannot be kept makes the task FAILED: a circle, a BigInt, a text with a NUL character. */
  readonly result?: Json;
  readonly message?: string;
  /** Where the handler counts better than what it reported, such as from rows that it committed. */
  readonly counts?: Counts;
  /** It stopped because the task is cancelled; `counts` tell what was done. */
  readonly isCancelled?: boolean;
  /** Recorded with the settlement, where the handler has not recorded them by itself. */
  readonly errors?: readonly NewTaskError[];
  /** The task failed as a whole, because of these records. Without it the counts decide. */
  readonly failure?: { readonly errors: readonly NewTaskError[] };
}

/** A task whose dependents are asked for. */
export type DependentRequest = Pick<Task, "model" | "input" | "viewer"> & {
  /** What is to be written to each of its records, while the task is launched; left out once it is kept. */
  readonly batches?: readonly RecordBatch[];
};

/**
 * The registered rules of one kind of task. A handler that returns made the task SUCCEEDED, PARTIAL when some
 * records failed, FAILED when all did; one that throws made it FAILED. A handler may be run again after a crash,
 * so it must carry on from what was committed.
 */
export interface TaskDefinition {
  /** Unique, in camel case: `rebuildStatistics`. */
  readonly kind: string;
  handle(context: AttemptContext): Promise<HandlerResult>;
  /** Does a part of what `handle` of the same attempt does, until there is nothing left for it. */
  help?(context: HelpContext): Promise<void>;
  /**
   * What such a task changes besides the records that it is launched on, which it then claims as well; undefined where
   * there can be none. Asked outside any transaction. Default: nothing, at no cost.
   */
  dependents?(request: DependentRequest): Promise<Dependents | undefined>;
}

/** All definitions, by kind. */
export interface TaskDefinitions {
  /** @throws AppError UNKNOWN_KIND, naming the known ones */
  get(kind: string): TaskDefinition;
}

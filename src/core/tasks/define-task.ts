import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Json } from "../../kernel/json.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { MembersOf, MembersShape, Shape } from "../../kernel/shape.ts";
import type { Viewer } from "../access/viewer.ts";
import type { AppDependents, DependentsContext } from "../locks/app-dependents.ts";
import type { Claim } from "../locks/claim.ts";
import type { NotifyRule } from "./notify.ts";
import { NOTIFY_RULES_SHAPE } from "./notify.ts";
import type { Counts } from "./progress.ts";
import type { StepHooks } from "./task-hooks.ts";
import { STEP_HOOKS_SHAPE } from "./task-hooks.ts";
import type { Task } from "./task.ts";

/** How the task of a definition tells how far it has come. */
export interface TaskProgress {
  /** Sets the number of records, or of whatever the task counts. @throws TypeError unless it is a whole number from 0 on */
  total(count: number): void;
  /**
   * Adds to the counts; a number adds to `succeeded`. Published at once, at most every `progressIntervalMs`.
   * @param message shown beside the counts until the next one
   * @throws TypeError for counts that are not whole numbers from 0 on; nothing is added then
   */
  add(counts: number | Partial<Counts>, message?: string): void;
  /** Shows a message beside the counts until the next one. */
  say(message: string): void;
}

/** What `run` is given. @typeParam Client Prisma's client of the project */
export interface RunContext<Input = Json, Client = unknown> {
  /** As the input's schema returned it: checked at the launch, and again before each attempt. */
  readonly input: Input;
  /** The task as it was when the attempt began. */
  readonly task: Task;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** Who launched it. */
  readonly viewer: Viewer;
  /** Whether nothing may be changed. Only for definitions with `isDryRunnable`. */
  readonly isDryRun: boolean;
  /**
   * Aborts when the task is cancelled or paused, when its time is up, when the process stops, and when another worker has
   * the task. What `run` throws after that counts as this; what it returns, counts.
   */
  readonly signal: AbortSignal;
  readonly progress: TaskProgress;
  /** Logs with the task's id and kind. */
  readonly log: Logger;
  /**
   * Prisma's client of the project, outside any transaction; for a task that a model's hook runs as a part of its write, the
   * client of that write's transaction.
   */
  readonly prisma: Client;
  /** The task that this runs in: another's, if it is run as a part of one. */
  currentTask(): Task;
}

/** What the functions of a definition are given before there is a task. */
export interface TaskRequest<Input = Json> {
  readonly input: Input;
  readonly viewer: Viewer;
}

/** Tries again after an error of `run`. */
export interface TaskRetries {
  /** How many more attempts after the first. */
  readonly max: number;
  /** `exponential` (default): each delay is twice the one before; `fixed`: all are the same. */
  readonly backoff?: "exponential" | "fixed";
  /** The first delay, in ms. Default: 1,000. */
  readonly delayMs?: number;
  /** The longest delay, in ms. Default: one hour. */
  readonly maxDelayMs?: number;
}

/** How many tasks of a kind run at a time in the whole deployment. */
export interface TaskConcurrency<Input = Json> {
  readonly max: number;
  /** Tasks with different keys do not count against each other. Default: all tasks of the kind share one key. */
  perKey?(request: TaskRequest<Input>): string;
}

/**
 * The options of {@link defineTask}.
 * @typeParam Schema any Standard Schema, such as one of zod 4
 * @typeParam Result what `run` returns
 */
export interface TaskOptions<
  Schema extends StandardSchemaV1 = StandardSchemaV1<Json, Json>,
  Result = unknown,
  Client = unknown,
> {
  /** Unique, in camel case: `rebuildStatistics`. */
  readonly kind: string;
  /** For the descriptions in the API. */
  readonly description?: string;
  /** Checks the input. Default: any JSON. */
  readonly input?: Schema;
  /** The model it works on, for lists and filters. Default: none. */
  readonly model?: string;
  /** What `prisma generate` writes: types `prisma` in `run`. */
  readonly generated?: { readonly createClient: (options: never) => Client };
  /** Shown beside the task, unless the launch has a label of its own. Default: none. */
  label?(request: TaskRequest<StandardSchemaV1.InferOutput<Schema>>): string;
  /** The number of records, if it is known at the launch; fewer than the threshold run in the request. Default: unknown. */
  total?(request: TaskRequest<StandardSchemaV1.InferOutput<Schema>>): number | null;
  /** What the task holds from its launch until it settles. Default: nothing. */
  claims?(
    request: TaskRequest<StandardSchemaV1.InferOutput<Schema>>,
  ): readonly Claim[] | Promise<readonly Claim[]>;
  /**
   * The other records that it changes, by their model. They are locked together with its claims, whose ids the functions are
   * given; with `onConflict: WAIT` they are read again when its turn comes. Default: none.
   */
  readonly dependents?: AppDependents<
    DependentsContext<Client> & TaskRequest<StandardSchemaV1.InferOutput<Schema>>
  >;
  /**
   * Whether the viewer may launch it: asked at the launch, and by workers before each attempt. Default: everybody may who is let
   * in, also where callers must identify themselves.
   */
  access?(request: TaskRequest<StandardSchemaV1.InferOutput<Schema>>): boolean | Promise<boolean>;
  /** Default: an error of `run` ends the task as FAILED. */
  readonly retries?: TaskRetries;
  /** Default: as many as there are workers for. */
  readonly concurrency?: TaskConcurrency<StandardSchemaV1.InferOutput<Schema>>;
  /** The longest time of one attempt, in ms. Default: none. */
  readonly timeoutMs?: number;
  /** Whom to tell how it ends, unless the launch says. Default: as the config says for its model, or for all tasks. */
  readonly notify?: readonly NotifyRule[];
  /** Whether `run` heeds `isDryRun`. Default: a dry run is refused. */
  readonly isDryRunnable?: boolean;
  /** Callbacks in the life of its tasks, after those of the config for every task. Default: none. */
  readonly hooks?: StepHooks<StandardSchemaV1.InferOutput<Schema>>;
  /**
   * Does the work. What it returns is kept as the task's result; what it throws ends the task as FAILED, or leads to a
   * retry. It may run again after a crash.
   */
  run(context: RunContext<StandardSchemaV1.InferOutput<Schema>, Client>): Promise<Result>;
}

/**
 * A task of the app's own, as {@link defineTask} returns it. Its type carries those of its input and its result: a task of
 * any input is a `DefinedTask`.
 */
export interface DefinedTask<Input = never, Result = unknown> extends TaskOptions<StandardSchemaV1, Result> {
  /** Exists for the types only. */
  readonly types?: { readonly input: (input: Input) => void; readonly result: Result };
}

/**
 * What a definition must look like.
 * @param models the names of the project's models; undefined where they are not known
 */
export function taskOptionsShape(models: readonly string[] | undefined): MembersShape {
  const model: Shape = { kind: "WORD", words: models ?? [], what: "a model of the Prisma schema" };
  return models === undefined ? SHAPE : { ...SHAPE, members: { ...SHAPE.members, model } };
}

const SHAPE = {
  kind: "MEMBERS",
  members: {
    kind: { kind: "NAME" },
    description: { kind: "TEXT" },
    input: { kind: "ANY" },
    model: { kind: "TEXT" },
    generated: { kind: "ANY" },
    label: { kind: "FUNCTION" },
    total: { kind: "FUNCTION" },
    claims: { kind: "FUNCTION" },
    dependents: { kind: "MAP", of: () => ({ kind: "FUNCTION" }) },
    access: { kind: "FUNCTION" },
    retries: {
      kind: "MEMBERS",
      members: {
        max: { kind: "WHOLE_NUMBER", min: 0 },
        backoff: { kind: "WORD", words: ["exponential", "fixed"], what: "a backoff" },
        delayMs: { kind: "WHOLE_NUMBER", min: 0 },
        maxDelayMs: { kind: "WHOLE_NUMBER", min: 0 },
      } satisfies MembersOf<TaskRetries>,
      required: ["max"],
    },
    concurrency: {
      kind: "MEMBERS",
      members: {
        max: { kind: "WHOLE_NUMBER", min: 1 },
        perKey: { kind: "FUNCTION" },
      } satisfies MembersOf<TaskConcurrency>,
      required: ["max"],
    },
    timeoutMs: { kind: "WHOLE_NUMBER", min: 1 },
    notify: NOTIFY_RULES_SHAPE,
    isDryRunnable: { kind: "FLAG" },
    hooks: STEP_HOOKS_SHAPE,
    run: { kind: "FUNCTION" },
    types: { kind: "ANY" },
  } satisfies MembersOf<DefinedTask>,
  required: ["kind", "run"],
} as const satisfies MembersShape;

/**
 * Defines a task of the app's own, for `tasks` in the config. Types its functions from the schema of its input.
 * @typeParam Schema any Standard Schema, such as one of zod 4
 */
export function defineTask<
  Schema extends StandardSchemaV1 = StandardSchemaV1<Json, Json>,
  Result = unknown,
  Client = unknown,
>(options: TaskOptions<Schema, Result, Client>): DefinedTask<StandardSchemaV1.InferInput<Schema>, Result> {
  // Its functions are called with what the schema returned, so they may be typed more narrowly.
  return options;
}

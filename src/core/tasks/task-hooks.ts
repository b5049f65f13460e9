import type { Logger } from "../../kernel/logger.ts";
import type { Json } from "../../kernel/json.ts";
import type { MembersOf, MembersShape } from "../../kernel/shape.ts";
import type { Viewer } from "../access/viewer.ts";
import type { LaunchOptions } from "./launch-options.ts";
import type { Progress } from "./progress.ts";
import type { TaskClaim } from "./task-claim.ts";
import type { TaskReads } from "./task-reads.ts";
import type { TaskResults } from "./task-results.ts";
import type { Task } from "./task.ts";

/** The steps whose hooks are called at least once, also after a crash. */
export const FINAL_STEPS = ["complete", "fail", "cancel", "cleanup"] as const;

export type FinalStep = (typeof FINAL_STEPS)[number];

/** The steps in a task's life that hooks are called for. */
export type StepName = "create" | "start" | "progress" | FinalStep;

/** What a hook is given. @typeParam Input the task's input: for the hooks of a definition, as its schema returns it */
export interface StepContext<Input = Json> {
  /**
   * Names the call, to recognise a repeat: `<task id>:<step>`, with the attempt's number behind it for `start` and
   * `progress`.
   */
  readonly id: string;
  /** The task as it is now. */
  readonly task: Task;
  /** Who launched it. */
  readonly viewer: Viewer;
  readonly input: Input;
  /**
   * The records that the task is for, by model; of a custom task, what it claims. Read at each call. A record that is named
   * by a key and not there yet has its name as one text for its id.
   */
  affected(): Promise<readonly AffectedRecords[]>;
}

/** Records of one model. */
export interface AffectedRecords {
  readonly model: string;
  readonly ids: readonly string[] | "all";
}

/** What the hook `start` is given. */
export interface StartContext<Input = Json> extends StepContext<Input> {
  /** Number of the attempt, from 1. */
  readonly attempt: number;
}

/** What the hook `progress` is given. Its task is as it was when the attempt began. */
export interface ProgressContext<Input = Json> extends StartContext<Input> {
  readonly progress: Progress;
}

/**
 * What the hooks `complete`, `cancel` and `cleanup` are given.
 * @typeParam Result the task's result. A listener of a definition may name the one that it knows: TypeScript cannot infer it
 *   where `hooks` stands before `run`
 */
export interface FinalContext<Input = Json, Result = Json> extends StepContext<Input> {
  /** What `run` returned; null if it did not return, and for bulk operations. */
  readonly result: Result;
  /** Why the task FAILED; null if it did not. */
  readonly error: TaskFailure | null;
}

/** What the hook `fail` is given. */
export interface FailContext<Input = Json, Result = Json> extends FinalContext<Input, Result> {
  readonly error: TaskFailure;
}

/** Why a task FAILED. */
export interface TaskFailure {
  readonly message: string;
}

/** What the hook `beforeCreate` is given: a task about to be launched. */
export interface LaunchHookContext {
  readonly kind: string;
  readonly model: string | null;
  readonly viewer: Viewer;
  readonly input: Json;
  readonly options: LaunchOptions;
  /** The records' ids, filters resolved. Of a record that is named by a key and not there, its name as one text. */
  readonly recordIds: readonly string[];
}

/**
 * A callback. The engine waits for it. As a method's type, so that a listener may ask for a narrower input.
 * @typeParam Context what it is given
 */
export type Listener<Context> = { call(context: Context): void | Promise<void> }["call"];

/** One callback or several, called one after the other. */
export type Listeners<Context> = Listener<Context> | readonly Listener<Context>[];

/**
 * Callbacks in the life of tasks, in this order. Each runs after its step is committed, and the engine waits for it. Errors
 * are logged; they change nothing, and other listeners are called all the same.
 *
 * Those of the final steps are called at least once: if the process dies before a call has ended, another process of the
 * project makes it. `cleanup` is called after the calls for `complete`, `fail` or `cancel` have ended. The others are called
 * at most once, by the process that took the step.
 */
export interface StepHooks<Input = Json> {
  /** Before the task is given to the queue. */
  readonly create?: Listeners<StepContext<Input>>;
  /** Once for each attempt, before its handler. */
  readonly start?: Listeners<StartContext<Input>>;
  /** With each publication of progress. The engine does not wait for it. */
  readonly progress?: Listeners<ProgressContext<Input>>;
  /** SUCCEEDED or PARTIAL. One of complete, fail and cancel is called. */
  readonly complete?: Listeners<FinalContext<Input>>;
  readonly fail?: Listeners<FailContext<Input>>;
  readonly cancel?: Listeners<FinalContext<Input>>;
  /** The last hook of a task. */
  readonly cleanup?: Listeners<FinalContext<Input>>;
}

/** The app's callbacks in the life of every task. */
export interface TaskHooks extends StepHooks {
  /** Before anything is written. Throwing refuses the launch, with the error's message; later listeners are not called. */
  readonly beforeCreate?: Listeners<LaunchHookContext>;
}

/** See {@link StepHooks}. */
export const STEP_HOOKS_SHAPE = {
  kind: "MEMBERS",
  members: {
    create: { kind: "FUNCTIONS" },
    start: { kind: "FUNCTIONS" },
    progress: { kind: "FUNCTIONS" },
    complete: { kind: "FUNCTIONS" },
    fail: { kind: "FUNCTIONS" },
    cancel: { kind: "FUNCTIONS" },
    cleanup: { kind: "FUNCTIONS" },
  } satisfies MembersOf<StepHooks>,
} as const satisfies MembersShape;

/** See {@link TaskHooks}. */
export const TASK_HOOKS_SHAPE = {
  kind: "MEMBERS",
  members: {
    beforeCreate: { kind: "FUNCTIONS" },
    ...STEP_HOOKS_SHAPE.members,
  } satisfies MembersOf<TaskHooks>,
} as const satisfies MembersShape;

/** What a listener is given in each step. */
export interface ContextOfStep {
  readonly create: StepContext;
  readonly start: StartContext;
  readonly progress: ProgressContext;
  readonly complete: FinalContext;
  readonly fail: FailContext;
  readonly cancel: FinalContext;
  readonly cleanup: FinalContext;
}

/** The listeners of a project: those for every task, and those of its definitions. */
export interface HookListeners {
  readonly beforeCreate: readonly Listener<LaunchHookContext>[];
  /** The listeners for a task of the kind; those for every task come first. */
  of<Step extends StepName>(step: Step, kind: string): readonly Listener<ContextOfStep[Step]>[];
  /** The final steps that have listeners for every task. */
  readonly finalSteps: readonly FinalStep[];
  /** The final steps that have listeners for the tasks of one kind. */
  readonly finalStepsOfKinds: readonly { readonly kind: string; readonly step: FinalStep }[];
}

/** What calling hooks needs. */
export interface HookPorts {
  readonly tasks: Pick<TaskReads, "recordIds"> & Pick<TaskResults, "ownClaims">;
  readonly logger: Logger;
  readonly hooks?: HookListeners;
}

/** Calls the step's listeners for a task, one after the other, and waits for them. Never rejects. */
export async function callHook<Step extends Exclude<StepName, FinalStep>>(
  ports: HookPorts,
  step: Step,
  task: Task,
  more: Omit<ContextOfStep[Step], keyof StepContext>,
): Promise<void> {
  const listeners = ports.hooks?.of(step, task.kind) ?? [];
  if (listeners.length > 0) {
    const attempt = step === "create" ? "" : `:${(more as Partial<StartContext>).attempt}`;
    const context = { ...stepContext(ports, task, `${task.id}:${step}${attempt}`), ...more };
    await callListeners(ports, listeners, context as unknown as ContextOfStep[Step], step);
  }
}

/** Calls the listeners of a settled task's step, one after the other, and waits for them. Never rejects. */
export async function callFinalHook(ports: HookPorts, step: FinalStep, task: Task): Promise<void> {
  const error = task.status === "FAILED" ? { message: task.message ?? "The task failed." } : null;
  const context = { ...stepContext(ports, task, `${task.id}:${step}`), result: task.result, error };
  const listeners = ports.hooks?.of(step, task.kind) ?? [];
  await callListeners(ports, listeners as readonly Listener<FinalContext>[], context, step);
}

function stepContext({ tasks }: HookPorts, task: Task, id: string): StepContext {
  const { viewer, input } = task;
  return { id, task, viewer, input, affected: () => readAffected(tasks, task) };
}

async function readAffected(
  tasks: HookPorts["tasks"],
  { id, model }: Task,
): Promise<readonly AffectedRecords[]> {
  const ids = await tasks.recordIds(id);
  if (model !== null && ids.length > 0) {
    return [{ model, ids }];
  }
  const isOwn = (claim: TaskClaim): claim is TaskClaim & AffectedRecords => claim.ids !== "chunks";
  return (await tasks.ownClaims(id)).filter(isOwn).map((claim) => ({ model: claim.model, ids: claim.ids }));
}

async function callListeners<Context extends StepContext>(
  { logger }: Pick<HookPorts, "logger">,
  listeners: readonly Listener<Context>[],
  context: Context,
  step: StepName,
): Promise<void> {
  for (const listener of listeners) {
    try {
      await listener(context);
    } catch (error) {
      logger.error({ err: error, taskId: context.task.id }, `a listener of the hook "${step}" threw`);
    }
  }
}

import type { Json, JsonObject } from "../../kernel/json.ts";
import type { Shape } from "../../kernel/shape.ts";
import { findFaults } from "../../kernel/shape.ts";
import type { FullViewer, Viewer } from "../access/viewer.ts";
import { ANONYMOUS, fullViewer } from "../access/viewer.ts";
import type { Task } from "./task.ts";

/** Conditions on tasks; each that is given must hold. */
export interface TaskCondition {
  /** The ids of the viewers who launched them. */
  readonly createdBy?: readonly string[];
  readonly kinds?: readonly string[];
  readonly models?: readonly string[];
  /** What the claims of the viewers who launched them contain: `{ tenant: "a" }`. */
  readonly claims?: JsonObject;
}

/** The tasks that meet one of the conditions. */
export type TaskScope = readonly TaskCondition[];

/** Which tasks viewers see. */
export interface TaskSight {
  /** Undefined: all. */
  scopeOf(viewer: Viewer): TaskScope | undefined;
  /**
   * Whether a viewer who sees the task sees the values in it, too: what it was given, the words of its errors, and its file of
   * failed rows. They may be values of records.
   */
  seesValues(viewer: Viewer, task: Pick<Task, "viewer" | "model">): boolean;
}

/** Whether a viewer may read of a model at least what another one may: all of its fields, and no fewer of its rows. */
export type ReadsAs = (viewer: Viewer, other: Viewer, model: string) => boolean;

/** An app's rule: all tasks, none, or those that meet the condition, or one of them. */
export type TaskRule = (request: {
  readonly viewer: FullViewer;
}) => boolean | TaskCondition | readonly TaskCondition[];

/** Everybody sees everything. */
export const ALL_SEEN: TaskSight = { scopeOf: () => undefined, seesValues: () => true };

/** What stands in the place of an error's words for a viewer who does not see the task's values. */
export const HIDDEN_WORDS = "The reason is not shown: it may name values that you may not read.";

/**
 * Viewers see the tasks that they launched, and administrators see all, unless the app has a rule. An anonymous viewer sees
 * none: nobody can tell who launched those of anonymous ones.
 */
export function createTaskSight(options: {
  readonly isAdmin: (viewer: Viewer) => boolean;
  readonly rule?: TaskRule | undefined;
  readonly readsAs: ReadsAs;
}): TaskSight {
  const { isAdmin, rule, readsAs } = options;
  return {
    seesValues: seesValuesBy(readsAs),
    scopeOf(viewer) {
      if (rule !== undefined) {
        return scopeOfAnswer(rule({ viewer: fullViewer(viewer) }));
      }
      return isAdmin(viewer) ? undefined : viewer.id === null ? [] : [{ createdBy: [viewer.id] }];
    },
  };
}

/** Its launcher knows them, and a task on no model has none of its records. */
export function seesValuesBy(readsAs: ReadsAs): TaskSight["seesValues"] {
  return (viewer, { viewer: launcher, model }) =>
    model === null || viewer.id === launcher.id || readsAs(viewer, launcher, model);
}

const TEXTS: Shape = { kind: "LIST", of: { kind: "TEXT" } };
const CONDITION: Shape = {
  kind: "MEMBERS",
  members: {
    createdBy: TEXTS,
    kinds: TEXTS,
    models: TEXTS,
    claims: { kind: "MAP", of: () => ({ kind: "ANY" }) },
  },
};

/** @throws TypeError for what is no answer: a misspelt condition must not let everything through */
function scopeOfAnswer(answer: ReturnType<TaskRule>): TaskScope | undefined {
  if (typeof answer === "boolean") {
    return answer ? undefined : [];
  }
  const scope: TaskScope = Array.isArray(answer) ? answer : [answer as TaskCondition];
  const faults = scope.flatMap((condition) => findFaults(condition, CONDITION, "auth.tasks()"));
  if (faults.length > 0) {
    throw new TypeError(faults.join("\n"));
  }
  return scope;
}

/** Whether the task is one of the scope's. */
export function isWithin(
  scope: TaskScope | undefined,
  { viewer, kind, model }: Pick<Task, "viewer" | "kind" | "model">,
): boolean {
  return (
    scope === undefined ||
    scope.some(
      ({ createdBy, kinds, models, claims }) =>
        allows(createdBy, viewer.id) &&
        allows(kinds, kind) &&
        allows(models, model) &&
        (claims === undefined || contains(viewer.claims ?? {}, claims)),
    )
  );
}

function allows(allowed: readonly string[] | undefined, value: string | null): boolean {
  return allowed === undefined || (value !== null && allowed.includes(value));
}

/** As PostgreSQL's `@>`. */
function contains(whole: Json | undefined, part: Json): boolean {
  if (typeof part !== "object" || part === null) {
    return whole === part;
  }
  if (typeof whole !== "object" || whole === null || Array.isArray(whole) !== Array.isArray(part)) {
    return false;
  }
  return Array.isArray(part)
    ? (part as readonly Json[]).every((one) =>
        (whole as readonly Json[]).some((other) => contains(other, one)),
      )
    : Object.entries(part).every(
        ([name, value]) => Object.hasOwn(whole, name) && contains((whole as JsonObject)[name], value),
      );
}

/** Stands for all tasks that a viewer may not see: no task has it. */
export const HIDDEN_TASK_ID = "00000000-0000-0000-0000-000000000000";

/**
 * The task; for a viewer who may not see it, one that only tells that there is a task, its state and its progress. As no task
 * has its id, it has no errors, records and events.
 */
export function shownTask(sight: TaskSight, viewer: Viewer, task: Task): Task {
  if (isWithin(sight.scopeOf(viewer), task)) {
    return task;
  }
  return {
    ...task,
    id: HIDDEN_TASK_ID,
    kind: "hidden",
    label: null,
    viewer: ANONYMOUS,
    retryOf: null,
    parent: null,
    schedule: null,
    blockedBy: null,
    pauseRequestedBy: null,
    hasStatusPage: false,
    input: null,
    result: null,
    message: null,
    progress: { ...task.progress, message: null },
  };
}

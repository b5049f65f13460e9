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
}

/** An app's rule: all tasks, none, or those that meet the condition, or one of them. */
export type TaskRule = (request: {
  readonly viewer: FullViewer;
}) => boolean | TaskCondition | readonly TaskCondition[];

/** Everybody sees everything. */
export const ALL_SEEN: TaskSight = { scopeOf: () => undefined };

/**
 * Viewers see the tasks that they launched, and administrators see all, unless the app has a rule. An anonymous viewer sees
 * none: nobody can tell who launched those of anonymous ones.
 */
export function createTaskSight(options: {
  readonly isAdmin: (viewer: Viewer) => boolean;
  readonly rule?: TaskRule | undefined;
}): TaskSight {
  const { isAdmin, rule } = options;
  return {
    scopeOf(viewer) {
      if (rule !== undefined) {
        return scopeOfAnswer(rule({ viewer: fullViewer(viewer) }));
      }
      return isAdmin(viewer) ? undefined : viewer.id === null ? [] : [{ createdBy: [viewer.id] }];
    },
  };
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

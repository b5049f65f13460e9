import type { Viewer } from "../../core/access/viewer.ts";
import type { TaskControls } from "../../core/tasks/run/task-controls.ts";
import type { EventLog } from "../../core/events/event-log.ts";
import type { TaskFeed } from "../../core/events/task-feed.ts";
import type { ShowPreviews } from "../../core/bulk/preview.ts";
import type { RetryTask } from "../../core/bulk/retry-task.ts";
import { ALL_SEEN } from "../../core/tasks/task-sight.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { SchemaContributor } from "../builder.ts";
import { addTaskSubscriptions } from "./task-subscriptions.ts";
import { onlySeen } from "./find-task.ts";
import { addLaunchOptions } from "./bulk-options.ts";
import type { LaunchableTask } from "./launchable-task.ts";
import type { LaunchOwnTask } from "./launch-fields.ts";
import { addLaunchField } from "./launch-fields.ts";
import { addTaskKinds } from "./task-kinds.ts";
import { addControlMutations, addRetryMutation } from "./task-mutations.ts";
import { createTaskErrors, createTaskHistory, createTaskRecords } from "./task-lists.ts";
import {
  addStatusPage,
  addTaskControlFields,
  addTaskFamilyFields,
  addTaskRetryFields,
  implementTask,
} from "./task-type.ts";
import type { TaskLockPorts } from "./task-locks.ts";
import { addTaskLocks } from "./task-locks.ts";
import { addTaskPreview } from "./task-preview.ts";
import { defineTaskParts } from "./task-parts.ts";
import type { TaskQueryPorts } from "./task-queries.ts";
import { addTaskQueries } from "./task-queries.ts";

/** What a caller may do to one task. */
type TaskAction = "cancel" | "pause" | "resume" | "retry";

/** What the tasks' part of the schema calls. */
export interface TaskSchemaPorts {
  readonly tasks: TaskStore;
  readonly log: Pick<EventLog, "replay">;
  readonly feed: TaskFeed;
  readonly controls: TaskControls;
  readonly retryTask: RetryTask;
  /** The app's own tasks, and what launches them. Default: none. */
  readonly own?: { readonly tasks: readonly LaunchableTask[]; readonly launch: LaunchOwnTask };
  /** Told of what is refused since the viewer sees no such task. Default: nobody is. */
  readonly onMissing?: (
    action: TaskAction,
    request: { readonly taskId: string; readonly viewer: Viewer },
  ) => void;
  /** The address of a task's page; null where the service knows none. Default: none. */
  readonly statusPageOf?: (taskId: string) => string | null;
  /** What tasks hold and wait for. Default: nobody holds anything. */
  readonly locks?: TaskLockPorts["locks"];
  /** See TaskLockPorts. Default: nobody reaches all records of another model. */
  readonly reachesAll?: TaskLockPorts["reachesAll"];
  /** See TaskQueryPorts. Default: nobody sees any record. */
  readonly seesRecord?: TaskQueryPorts["seesRecord"];
  /** Default: no task has a preview. */
  readonly showPreviews?: ShowPreviews;
}

/**
 * Everything about tasks: their types, the queries `task`, `tasks` and `taskKinds`, what is done to one (`cancelTask`,
 * `pauseTask`, `resumeTask`, `retryTask`), the launches of the app's own, and the subscriptions.
 */
export function createTaskSchema(ports: TaskSchemaPorts): SchemaContributor {
  return (schema) => {
    const parts = defineTaskParts(schema);
    const { own, controls } = ports;
    const seen = { tasks: ports.tasks, sight: schema.sight ?? ALL_SEEN };
    const onMissing =
      (action: TaskAction) => (request: { readonly taskId: string; readonly viewer: Viewer }) =>
        ports.onMissing?.(action, request);
    implementTask(schema, parts, {
      errors: createTaskErrors(ports.tasks),
      records: createTaskRecords(schema, ports.tasks),
      history: createTaskHistory(ports.log),
    });
    addTaskControlFields(schema, ports.tasks);
    addTaskLocks(schema, ports);
    addStatusPage(schema, ports.statusPageOf ?? (() => null));
    addTaskPreview(schema, parts, ports.showPreviews ?? (() => Promise.resolve(new Map())));
    addTaskRetryFields(schema, ports.tasks);
    addTaskFamilyFields(schema, ports.tasks);
    addLaunchOptions(schema, parts.status);
    addTaskQueries(schema, parts, ports);
    addControlMutations(schema, {
      cancelTask: onlySeen(seen, controls.cancelTask, onMissing("cancel")),
      pauseTask: onlySeen(seen, controls.pauseTask, onMissing("pause")),
      resumeTask: onlySeen(seen, controls.resumeTask, onMissing("resume")),
    });
    addRetryMutation(schema, onlySeen(seen, ports.retryTask, onMissing("retry")));
    addTaskSubscriptions(schema, parts, { ...seen, feed: ports.feed });
    addTaskKinds(schema, own?.tasks ?? []);
    own?.tasks.forEach((task) => addLaunchField(schema, task, own.launch));
  };
}

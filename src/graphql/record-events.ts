import type { RecordEventType } from "../core/events/record-announcement.ts";
import { MAX_NAMED_RECORDS, RECORD_EVENT_TYPES } from "../core/events/record-announcement.ts";
import type { RecordFeed } from "../core/record-events/record-feed.ts";
import type { RecordEvent } from "../core/record-events/record-subscription.ts";
import { ALL_SEEN, isWithin, shownTask } from "../core/tasks/task-sight.ts";
import type { SchemaContributor } from "./builder.ts";
import { describedValues } from "./builder.ts";
import type { EventSharing } from "./event-sharing.ts";
import { EVENT_SHARING } from "./event-sharing.ts";
import { MAX_IDS, parseIds } from "./models/record-locks.ts";
import { idsOf } from "./record-ids.ts";

/** The subscription `recordEvents`. */
export function addRecordEvents(feed: RecordFeed): SchemaContributor {
  return ({ builder, refs, models, sight = ALL_SEEN }) => {
    const type = builder.enumType("RecordEventType", {
      description: "What happened to records.",
      values: describedValues<RecordEventType>(RECORD_EVENT_TYPES),
    });
    const event = builder.objectRef<RecordEvent>("RecordEvent").implement({
      description: "What happened to records of one model.",
      fields: (t) => ({
        type: t.expose("type", { type }),
        model: t.expose("model", { type: refs.modelName }),
        recordIds: t.exposeIDList("recordIds", {
          description: `The records, at most ${MAX_NAMED_RECORDS}; none where \`isAll\`.`,
          ...idsOf(({ model }: RecordEvent) => model),
        }),
        isAll: t.exposeBoolean("isAll", {
          description:
            "Whether the records are not named: they are too many, or it is not known which. Read again what you show.",
        }),
        task: t.field({
          type: refs.task,
          nullable: true,
          description:
            "The task that did it, as it is now; of a task that the caller may not see, only that there is one. Null for a single write, and for a GAP.",
          resolve: async ({ readTask }, _args, { viewer }) => {
            const task = await readTask();
            return task === undefined ? null : shownTask(sight, viewer, task);
          },
        }),
      }),
    });
    builder.subscriptionField("recordEvents", (t) =>
      t.field({
        type: event,
        extensions: { [EVENT_SHARING]: {} satisfies EventSharing },
        description:
          "What happens to the model's records from now on: who locks and releases them, and which are created, updated and deleted. A hint of what to read again, not a log: where events may have been lost, a GAP comes, and it comes first, once the subscription is in place. Only records that the caller may see are named.",
        args: {
          model: t.arg({ type: refs.modelName, required: true }),
          ids: t.arg.idList({
            description: `Only these records, at most ${MAX_IDS}. Default: all.`,
            ...idsOf(({ model }: { model: string }) => model),
          }),
        },
        subscribe(_root, { model, ids }, { viewer }) {
          const scope = sight.scopeOf(viewer);
          return feed.subscribe({
            model,
            ids: ids === null || ids === undefined ? undefined : parseIds(models.get(model), ids),
            viewer,
            canSee: (task) => isWithin(scope, task),
          });
        },
        resolve: (item: RecordEvent) => item,
      }),
    );
  };
}

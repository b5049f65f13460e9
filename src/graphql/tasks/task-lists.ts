import { decodeCursor, encodeCursor } from "../../core/events/event-cursor.ts";
import type { EventLog } from "../../core/events/event-log.ts";
import type { FeedItem } from "../../core/events/feed-item.ts";
import type { LifecycleEvent } from "../../core/events/task-event.ts";
import type { TaskError } from "../../core/tasks/task-error.ts";
import type { RecordOutcome, RecordPlace, RecordQuery, TaskRecord } from "../../core/tasks/task-results.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { Task } from "../../core/tasks/task.ts";
import type { ListWindow } from "../../kernel/list-window.ts";
import { takeWindow } from "../../kernel/list-window.ts";
import { createBatchLoader, createModelLoader } from "../batch-loader.ts";
import type { GraphQLContext, ListedRecord, SchemaContext } from "../builder.ts";
import type { PageArgs } from "../pagination/page.ts";
import type { CursorKind, ListPage } from "./list-page.ts";
import { createCursorKind, readPage } from "./list-page.ts";
import type { ListedError, RecordReference } from "./task-parts.ts";
import { readReference } from "./task-parts.ts";

/** A list of each task. */
export interface TaskList<Item, Args extends PageArgs = PageArgs> {
  /**
   * A page of a task's list. The same page of several tasks, and the numbers of their items, are read once for all tasks that
   * the operation selects in one turn.
   * @throws AppError VALIDATION_FAILED when the arguments are out of range
   */
  of(context: GraphQLContext, task: Task, args: Args): Promise<ListPage<Item>>;
}

const ERROR_CURSOR = createCursorKind("error", /^\d{1,15}$/);

/** What each task could not do, and why. */
export function createTaskErrors(
  tasks: Pick<TaskStore, "errorPages" | "errorCounts">,
): TaskList<ListedError> {
  const pages = createPageLoader<TaskError, ListWindow<number>>((ids, window) =>
    tasks.errorPages(ids, window),
  );
  const counts = createBatchLoader<number>((_context, taskIds) => tasks.errorCounts(taskIds));
  return {
    of: (context, { id, model }, args) =>
      readPage(args, {
        cursors: ERROR_CURSOR,
        placeOf: ({ position }) => String(position),
        read: async (window) =>
          (await pages(context, id, withPlaces(window, Number))).map((error) => ({ model, ...error })),
        count: async () => (await counts(context, id)) ?? 0,
      }),
  };
}

const RECORD_CURSOR = createCursorKind("record", /^\d{1,9}\.\d{1,9}$/);

/** The arguments of a task's records. */
export interface RecordArgs extends PageArgs {
  readonly outcome?: RecordOutcome | null | undefined;
  readonly record?: RecordReference | null | undefined;
}

/** What became of each task's records. */
export function createTaskRecords(
  schema: SchemaContext,
  tasks: Pick<TaskStore, "recordPages" | "recordCounts">,
): TaskList<ListedRecord, RecordArgs> {
  const pages = createPageLoader<TaskRecord, RecordQuery>((ids, query) => tasks.recordPages(ids, query));
  const counts = createModelLoader<number>((_context, outcome, ids) =>
    tasks.recordCounts(ids, outcome === "" ? undefined : (outcome as RecordOutcome)),
  );
  return {
    of(context, { id, model }, { outcome, record: asked, ...args }) {
      const record = asked == null ? undefined : readReference(schema, asked);
      const isOther = record !== undefined && record.model !== model;
      const filter = {
        ...(outcome == null ? {} : { outcome }),
        ...(record === undefined ? {} : { recordId: record.id }),
      };
      return readPage<ListedRecord>(args, {
        cursors: RECORD_CURSOR,
        placeOf: ({ place: { chunk, number } }) => `${chunk}.${number}`,
        async read(window) {
          const places = withPlaces(window, toRecordPlace);
          const page = isOther ? [] : await pages(context, id, { ...places, ...filter });
          return page.map((one) => ({ ...one, model }));
        },
        // Each record is in a task once.
        count: async () =>
          isOther
            ? 0
            : record === undefined
              ? ((await counts(context, outcome ?? "", id)) ?? 0)
              : (await pages(context, id, { ...filter, limit: 1 })).length,
      });
    },
  };
}

function toRecordPlace(place: string): RecordPlace {
  const [chunk = 0, number = 0] = place.split(".").map(Number);
  return { chunk, number };
}

/** The window with places as the store has them. */
function withPlaces<Place>(
  { after, before, ...window }: ListWindow<string>,
  toPlace: (place: string) => Place,
): ListWindow<Place> {
  return {
    ...window,
    ...(after === undefined ? {} : { after: toPlace(after) }),
    ...(before === undefined ? {} : { before: toPlace(before) }),
  };
}

/** Reads pages of tasks' lists: one look-up per query, and nearly always there is one query. */
function createPageLoader<Item, Query extends object>(
  read: (taskIds: readonly string[], query: Query) => Promise<ReadonlyMap<string, readonly Item[]>>,
): (context: GraphQLContext, taskId: string, query: Query) => Promise<readonly Item[]> {
  const load = createBatchLoader<readonly Item[]>(async (_context, keys) => {
    const taskIds = new Map<string, string[]>();
    for (const key of keys) {
      const query = key.slice(ID_LENGTH);
      taskIds.set(query, [...(taskIds.get(query) ?? []), key.slice(0, ID_LENGTH)]);
    }
    const pages = [...taskIds].map(async ([query, ids]) =>
      [...(await read(ids, JSON.parse(query) as Query))].map(([id, items]) => [id + query, items] as const),
    );
    return new Map((await Promise.all(pages)).flat());
  });
  return async (context, taskId, query) => (await load(context, taskId + JSON.stringify(query))) ?? [];
}

/** Ids of tasks are UUIDs. */
const ID_LENGTH = 36;

/** Events read at a time. */
const READ_SIZE = 1000;

/** The same cursors as those of the subscription: they resume it. */
const EVENT_CURSOR: CursorKind = {
  encode: (place) => encodeCursor(Number(place)),
  decode: (cursor, argument) => String(decodeCursor(cursor, argument)),
};

/** The lifecycle events of each task, in order. */
export function createTaskHistory(log: Pick<EventLog, "replay">): TaskList<FeedItem> {
  const eventsOf = createBatchLoader((_context, taskIds) => readAll(log, taskIds));
  return {
    async of(context, task, args) {
      const events = (await eventsOf(context, task.id)) ?? [];
      const items = events.map((event) => ({ event, task, cursor: encodeCursor(event.position) }));
      return readPage(args, {
        cursors: EVENT_CURSOR,
        placeOf: ({ event }) => String(event.position),
        // A task has few lifecycle events.
        read: async (window) =>
          takeWindow(items, window, ({ event }, place) => event.position - Number(place)),
        count: async () => items.length,
      });
    },
  };
}

async function readAll(
  log: Pick<EventLog, "replay">,
  taskIds: readonly string[],
): Promise<ReadonlyMap<string, readonly LifecycleEvent[]>> {
  const byTask = new Map<string, LifecycleEvent[]>(taskIds.map((taskId) => [taskId, []]));
  for (let after = 0, isLast = false; !isLast;) {
    const events = await log.replay({ after, taskIds, limit: READ_SIZE });
    for (const event of events) {
      byTask.get(event.taskId)?.push(event);
    }
    after = events.at(-1)?.position ?? after;
    isLast = events.length < READ_SIZE;
  }
  return byTask;
}

import { refuseModel } from "../records/read-rights.ts";
import { AppError, isAppError } from "../../kernel/app-error.ts";
import { groupCalls } from "../../kernel/group-calls.ts";
import type { Json } from "../../kernel/json.ts";
import type { Service } from "../../kernel/service.ts";
import { createService } from "../../kernel/service.ts";
import type { Access } from "../access/access.ts";
import type { Viewer } from "../access/viewer.ts";
import type { BusSubscriber, EventBus } from "../events/event-bus.ts";
import type { RecordAnnouncement } from "../events/record-announcement.ts";
import {
  ANY_MODEL,
  decodeRecordAnnouncement,
  filterKey,
  RECORD_TOPIC,
} from "../events/record-announcement.ts";
import type { RecordAudience } from "../events/record-announcer.ts";
import type { LockScopes } from "../locks/claim.ts";
import type { ModelRegistry } from "../records/model.ts";
import { parseRecordId } from "../records/record-key.ts";
import type { TaskReads } from "../tasks/task-reads.ts";
import type { Task } from "../tasks/task.ts";
import type { RecordEvent } from "./record-subscription.ts";
import { noTask, RecordSubscription } from "./record-subscription.ts";
import type { ViewerPorts } from "./record-viewers.ts";
import { RecordViewers } from "./record-viewers.ts";

/** What the feed needs. */
export interface RecordFeedPorts extends ViewerPorts {
  readonly audience: RecordAudience;
  readonly bus: Pick<EventBus, "subscribe">;
  readonly models: ModelRegistry;
  readonly access: Pick<Access, "isAllowed" | "scope">;
  readonly lockScopes: LockScopes;
  readonly tasks: Pick<TaskReads, "find">;
}

/** Whose records are followed. */
export interface RecordFeedRequest {
  readonly model: string;
  /** Canonical ids. Default: all records. */
  readonly ids?: readonly string[] | undefined;
  readonly viewer: Viewer;
  /** Whether the subscriber may see the task. Default: every task. */
  readonly canSee?: (task: Task) => boolean;
}

/** Tells subscribers what happens to the records that they may see. */
export interface RecordFeed {
  /**
   * Events from now on. The first is a GAP, of this subscriber's own, once the bus is heard: of what is committed after it an
   * event comes, or another GAP where some may have been lost or were not read in time. The caller must call `return`, or
   * read to the end. Ends with AppError UNAVAILABLE when the feed stops.
   * @throws AppError FORBIDDEN for a viewer who may read no record of the model; UNAVAILABLE when the bus cannot be reached
   */
  subscribe(request: RecordFeedRequest): Promise<AsyncIterableIterator<RecordEvent, undefined>>;
}

/** One feed serves all subscribers of a process. It listens to the bus only once somebody has subscribed. */
export function createRecordFeed(ports: RecordFeedPorts): Service & RecordFeed {
  const reader = new RecordHearing(ports);
  return {
    ...createService({
      name: "record feed",
      start: () => Promise.resolve(),
      stop: () => reader.end(),
    }),
    subscribe: (request) => reader.subscribe(request),
  };
}

/** Hears nothing. */
const DEAF: BusSubscriber = { onMessage: () => undefined, onGap: () => undefined };

class RecordHearing {
  readonly #ports: RecordFeedPorts;
  /** Subscribers with equal rights share their checks. */
  readonly #viewers = new Map<string, RecordViewers>();
  #listening: Promise<() => Promise<void>> | undefined;
  /** Asks the bus whether it is heard now, once for all who begin meanwhile. */
  readonly #confirm = groupCalls<void, boolean>({
    maxItems: Infinity,
    run: async (calls) => {
      const isHeard = await this.#isHeard();
      return calls.map(() => isHeard);
    },
  });
  #isOver = false;

  constructor(ports: RecordFeedPorts) {
    this.#ports = ports;
  }

  async subscribe(request: RecordFeedRequest): Promise<RecordSubscription> {
    const { model, ids, canSee = () => true } = request;
    refuseModel(this.#ports.access, request.viewer, this.#ports.models.get(model));
    const viewers = this.#viewersOf(request);
    let hasEnded = false;
    let leave = (): void => undefined;
    const subscription = new RecordSubscription({
      model,
      ids: ids && new Set(ids),
      canSee,
      onEnd(ended) {
        hasEnded = true;
        viewers.remove(ended);
        leave();
      },
    });
    viewers.add(subscription);
    if (this.#isOver) {
      subscription.fail(stopped());
      return subscription;
    }
    try {
      const isHeard = await this.#listen();
      leave = await this.#ports.audience.listen(model);
      if (isHeard) {
        viewers.welcome(subscription);
      }
    } catch (error) {
      subscription.end();
      throw error;
    }
    if (hasEnded) {
      leave();
    }
    return subscription;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    this.#viewers.forEach((viewers) => viewers.fail(stopped()));
    const unsubscribe = await this.#listening?.catch(() => undefined);
    await unsubscribe?.();
  }

  /**
   * Listens to the bus from the first subscription on.
   * @returns whether the bus is heard now; where its connection is lost, all subscriptions get a gap once it is back
   */
  async #listen(): Promise<boolean> {
    if (this.#listening !== undefined) {
      await this.#listening;
      return this.#confirm();
    }
    this.#listening = this.#ports.bus.subscribe(RECORD_TOPIC, {
      onMessage: (message) => this.#hear(message),
      onGap: () => this.#viewers.forEach((viewers) => viewers.offerGap()),
    });
    try {
      await this.#listening;
      return true;
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }

  async #isHeard(): Promise<boolean> {
    try {
      const leave = await this.#ports.bus.subscribe(RECORD_TOPIC, DEAF);
      await leave();
      return true;
    } catch (error) {
      if (isAppError(error, "UNAVAILABLE")) {
        return false;
      }
      throw error;
    }
  }

  #viewersOf({ model, viewer }: RecordFeedRequest): RecordViewers {
    const { access, lockScopes, sessions } = this.#ports;
    const filter = access.scope(model, viewer, "READ");
    const session = sessions?.of(viewer);
    const lockScope = lockScopes.of(model, viewer);
    const key = JSON.stringify([model, filterKey(filter, session?.settings), lockScope]);
    const known = this.#viewers.get(key);
    const viewers = known ?? new RecordViewers(this.#ports, { model, filter, session, lockScope });
    if (known === undefined) {
      this.#viewers.set(key, viewers);
      viewers.onEmpty = () => this.#viewers.delete(key);
    }
    return viewers;
  }

  #hear(message: Json): void {
    const announcement = decodeRecordAnnouncement(message);
    if (announcement === undefined) {
      return;
    }
    if (announcement.model === ANY_MODEL) {
      const models = new Set([...this.#viewers.values()].map(({ model }) => model));
      models.forEach((model) => this.#tell({ ...announcement, model }));
    } else {
      this.#tell(announcement);
    }
  }

  #tell(announcement: RecordAnnouncement): void {
    const heard = [...this.#viewers.values()].filter((viewers) => viewers.concerns(announcement));
    const event = heard.length === 0 ? undefined : this.#eventOf(announcement);
    heard.forEach((viewers) => event && viewers.hear(announcement, event));
  }

  /** Undefined where none of the names is that of a record that is there: tasks also claim names of new ones. */
  #eventOf({ type, model: name, ids, taskId }: RecordAnnouncement): RecordEvent | undefined {
    const model = this.#ports.models.get(name);
    const recordIds = ids === "all" ? [] : ids.filter((id) => "value" in parseRecordId(model, id));
    let task: Promise<Task | undefined> | undefined;
    const readTask = async (id: string): Promise<Task | undefined> =>
      (await this.#ports.tasks.find([id])).get(id);
    return ids === "all" || recordIds.length > 0
      ? {
          type,
          model: name,
          recordIds,
          isAll: ids === "all",
          readTask: taskId === null ? noTask : () => (task ??= readTask(taskId)),
        }
      : undefined;
  }
}

function stopped(): AppError {
  return new AppError("UNAVAILABLE", "The record feed has stopped. Subscribe again.");
}

import { groupCalls } from "../../kernel/group-calls.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { FailureLog, Logger } from "../../kernel/logger.ts";
import { createFailureLog } from "../../kernel/logger.ts";
import type { ViewerSession, ViewerSessions } from "../access/viewer-sessions.ts";
import type { WhereFilter } from "../access/access.ts";
import type { RecordAnnouncement } from "../events/record-announcement.ts";
import { filterKey } from "../events/record-announcement.ts";
import type { RecordReader } from "../records/record-reader.ts";
import type { Task } from "../tasks/task.ts";
import type { RecordEvent, RecordSubscription } from "./record-subscription.ts";
import { gapOf } from "./record-subscription.ts";

/** What checking needs. */
export interface ViewerPorts {
  readonly reader: Pick<RecordReader, "existingIds">;
  /** Sends the checks on behalf of the viewers. Default: they are nobody's. */
  readonly sessions?: Pick<ViewerSessions, "of" | "within"> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What equal viewers may see of a model. */
interface Reach {
  readonly model: string;
  /** Their row filter. */
  readonly filter: WhereFilter | undefined;
  /** Of one of them; the others' has the same settings. With it, the database's policies may hide rows. */
  readonly session: ViewerSession | undefined;
  readonly lockScope: string | undefined;
}

/** An event that waits to be checked. */
interface Heard {
  readonly announcement: RecordAnnouncement;
  readonly event: RecordEvent;
}

/** What may be told of an event. */
type Verdict =
  | { readonly kind: "TOLD"; readonly event: RecordEvent }
  | { readonly kind: "OUT_OF_REACH" }
  /** It cannot be known whether its records are within reach. */
  | { readonly kind: "UNKNOWN"; readonly event: RecordEvent; readonly task: Task | undefined };

/** The most events that one statement checks, and that may wait for a check: then one gap takes their place. */
const MAX_CHECKED = 50;
const MAX_WAITING = 500;
/**
 * A gap that stands for events whose records may be out of reach comes this much later, in ms, and at most as often, so that
 * it does not tell when or how often others write.
 */
const BLUR_MS = 5000;

/**
 * The subscribers with the same row filter on a model, and the same session. Who has neither hears everything. Others hear of a record that is within
 * their filter when the event comes, or was within the writer's filter, if that is the same. Of what cannot be checked, such
 * as a deleted record, they hear that something happened: from a task that they may see, no more than its own events say;
 * else a gap.
 */
export class RecordViewers {
  readonly model: string;
  /** Called when the last subscriber has left. */
  onEmpty: () => void = () => undefined;
  readonly #ports: ViewerPorts;
  readonly #reach: Reach;
  readonly #key: string | undefined;
  /** The same for all, so that it is serialised once. */
  readonly #gap: RecordEvent;
  readonly #subscriptions = new Set<RecordSubscription>();
  readonly #failures: FailureLog;
  readonly #check = groupCalls<Heard, Verdict>({
    maxItems: MAX_CHECKED,
    run: (events) => this.#checkAll(events),
  });
  /** Those to whom a gap is due, and what takes it back. */
  readonly #owed = new Set<RecordSubscription>();
  #cancelGap: (() => void) | undefined;

  constructor(ports: ViewerPorts, reach: Reach) {
    this.#ports = ports;
    this.#reach = reach;
    this.model = reach.model;
    this.#gap = gapOf(reach.model);
    this.#key = filterKey(reach.filter, reach.session?.settings);
    this.#failures = createFailureLog(ports.logger, "checking whom an event of records concerns");
  }

  add(subscription: RecordSubscription): void {
    this.#subscriptions.add(subscription);
  }

  /** Tells one of them that it hears what happens from now on. */
  welcome(subscription: RecordSubscription): void {
    subscription.offer(this.#gap);
  }

  /** Tells all of them that events may have been lost. */
  offerGap(): void {
    this.#offer(this.#gap);
  }

  remove(subscription: RecordSubscription): void {
    this.#subscriptions.delete(subscription);
    this.#owed.delete(subscription);
    if (this.#subscriptions.size === 0) {
      this.#cancelGap?.();
      this.onEmpty();
    }
  }

  fail(error: unknown): void {
    [...this.#subscriptions].forEach((subscription) => subscription.fail(error));
  }

  #offer(event: RecordEvent): void {
    [...this.#subscriptions].forEach((subscription) => subscription.offer(event));
  }

  /** Whether the announcement is about their model, and not about records of another lock scope. */
  concerns({ model, lockScope }: RecordAnnouncement): boolean {
    const own = this.#reach.lockScope;
    return model === this.model && (lockScope === undefined || own === undefined || lockScope === own);
  }

  /** Offers what may be told of the event, in the order of the calls. */
  hear(announcement: RecordAnnouncement, event: RecordEvent): void {
    if (this.#key === undefined || announcement.type === "GAP") {
      this.#offer(event);
    } else if (this.#check.waiting >= MAX_WAITING) {
      this.offerGap();
    } else {
      this.#check({ announcement, event }).then(
        (verdict) => this.#tell(verdict),
        () => this.offerGap(),
      );
    }
  }

  #tell(verdict: Verdict): void {
    if (verdict.kind === "TOLD") {
      this.#offer(verdict.event);
    } else if (verdict.kind === "UNKNOWN") {
      this.#tellUnnamed(verdict.event, verdict.task);
    }
  }

  #tellUnnamed(event: RecordEvent, task: Task | undefined): void {
    for (const subscription of this.#subscriptions) {
      if (task !== undefined && subscription.canSee(task)) {
        subscription.offer(event);
      } else {
        this.#owed.add(subscription);
        this.#cancelGap ??= this.#ports.clock.after(BLUR_MS, () => this.#payGaps());
      }
    }
  }

  #payGaps(): void {
    const owed = [...this.#owed];
    this.#owed.clear();
    this.#cancelGap = undefined;
    owed.forEach((subscription) => subscription.offer(this.#gap));
  }

  async #checkAll(heard: readonly Heard[]): Promise<readonly Verdict[]> {
    try {
      const named = heard.filter((each) => this.#isCheckable(each));
      const ids = [...new Set(named.flatMap(({ event }) => event.recordIds))];
      const found = ids.length === 0 ? [] : await this.#existingIds(ids);
      const within = new Set(found);
      const verdicts = await Promise.all(heard.map((each) => this.#verdictOn(each, within)));
      this.#failures.worked();
      return verdicts;
    } catch (error) {
      this.#failures.failed(error);
      throw error;
    }
  }

  #existingIds(ids: readonly string[]): Promise<readonly string[]> {
    const { reader, sessions } = this.#ports;
    const { filter, session } = this.#reach;
    const find = (): Promise<readonly string[]> => reader.existingIds(this.model, ids, filter);
    return session === undefined || sessions === undefined ? find() : sessions.within(session, find);
  }

  /** Whether the records can be looked up: they are named, there, and not known to be within reach anyway. */
  #isCheckable({ announcement, event }: Heard): boolean {
    return !event.isAll && event.type !== "DELETED" && announcement.within !== this.#key;
  }

  async #verdictOn(heard: Heard, within: ReadonlySet<string>): Promise<Verdict> {
    const { announcement, event } = heard;
    if (announcement.within === this.#key) {
      return { kind: "TOLD", event };
    }
    if (!this.#isCheckable(heard)) {
      return {
        kind: "UNKNOWN",
        event: { ...event, recordIds: [], isAll: true },
        task: await event.readTask(),
      };
    }
    const recordIds = event.recordIds.filter((id) => within.has(id));
    return recordIds.length === 0
      ? { kind: "OUT_OF_REACH" }
      : {
          kind: "TOLD",
          event: recordIds.length === event.recordIds.length ? event : { ...event, recordIds },
        };
  }
}

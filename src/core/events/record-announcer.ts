import { isAppError } from "../../kernel/app-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import { createId } from "../../kernel/ids.ts";
import type { Json } from "../../kernel/json.ts";
import type { Logger } from "../../kernel/logger.ts";
import { errorFields } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";
import { createService } from "../../kernel/service.ts";
import type { EventBus } from "./event-bus.ts";
import type { RecordAnnouncement } from "./record-announcement.ts";
import { ANY_MODEL, encodeRecordAnnouncement, RECORD_TOPIC } from "./record-announcement.ts";

/** The bus topic on which processes say what they listen to. */
const AUDIENCE_TOPIC = "powercrud_audience";

/**
 * Tells all processes what happens to records, if anybody listens. Otherwise nothing is sent, and no statement is needed to
 * know that.
 */
export interface RecordAnnouncer {
  /**
   * Whether anybody listens to the model's records; where it is left out, to those of any model. Ask after the change. If
   * nobody does, the change is noted, so that one who begins to listen just now hears of a gap.
   */
  isHeard(model?: string): boolean;
  /** Resolves when they are sent, in order. Never rejects: who misses one hears of a gap. */
  send(announcements: readonly RecordAnnouncement[]): Promise<void>;
  /** Sends a gap to all who listen, where it is not known which records changed. Never rejects. */
  sendGaps(): Promise<void>;
}

/** The other side: what this process listens to. */
export interface RecordAudience {
  /** Makes the records of a model heard in all processes. Resolves when they were told. @returns ends it; idempotent */
  listen(model: string): Promise<() => void>;
}

/** What announcing needs. */
export interface AnnouncerPorts {
  readonly bus: Pick<EventBus, "publish" | "subscribe">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** False for a process that ends before it could hear who listens: it takes it that somebody does. Default: true. */
  readonly isAudienceKnown?: boolean | undefined;
}

/** How long a process counts as listening without saying so again, in ms. */
const AUDIENCE_MS = 30_000;
const RENEWAL_MS = 10_000;
/** How far the clocks of two processes may be apart, in ms. */
const CLOCK_SKEW_MS = 250;
/** Models in one message: names have up to 63 letters. */
const MODELS_A_MESSAGE = 50;

/** A message about the audience. */
type AudienceMessage =
  /** A process that has begun, or has missed messages, wants to know who listens. */
  | { readonly kind: "ASK" }
  /** A process listens to models, each since a time in ms. */
  | { readonly kind: "LISTEN"; readonly by: string; readonly models: Readonly<Record<string, number>> };

/**
 * One per process. A process that listens to a model says so on the bus, and again every 10 seconds; the others believe it
 * for 30 seconds. It also says since when: one that has changed records of the model since then, unheard, answers with a gap.
 */
export function createRecordAnnouncer(ports: AnnouncerPorts): Service & RecordAnnouncer & RecordAudience {
  const announcer = new Announcer(ports);
  let unsubscribe: (() => Promise<void>) | undefined;
  let stopRenewals: (() => void) | undefined;
  const service = createService({
    name: "record announcer",
    async start() {
      unsubscribe = await ports.bus.subscribe(AUDIENCE_TOPIC, {
        onMessage: (message) => announcer.hear(message as unknown as AudienceMessage | null),
        onGap: () => announcer.ask(),
      });
      stopRenewals = ports.clock.every(RENEWAL_MS, () => announcer.renew());
      announcer.ask();
    },
    async stop() {
      stopRenewals?.();
      await unsubscribe?.();
    },
  });
  return {
    ...service,
    isHeard: (model) => announcer.isHeard(model),
    send: (announcements) => announcer.send(announcements),
    sendGaps: () => announcer.sendGaps(),
    listen: (model) => announcer.listen(model),
  };
}

/** What a process listens to. */
interface Own {
  count: number;
  /** In ms. */
  readonly since: number;
  /** Resolves when the others were told. */
  told?: Promise<void>;
}

class Announcer {
  readonly #ports: AnnouncerPorts;
  readonly #id: string;
  /** What this process listens to. */
  readonly #own = new Map<string, Own>();
  /** What others listen to, with the time until which that is believed. */
  readonly #others = new Map<string, number>();
  /** When records were last changed unheard, by model. */
  readonly #unheard = new Map<string, number>();
  /** Up to when the unheard changes of a model were made good by a gap. */
  readonly #answered = new Map<string, number>();

  constructor(ports: AnnouncerPorts) {
    this.#ports = ports;
    this.#id = createId(ports.clock.now());
  }

  isHeard(model?: string): boolean {
    if (this.#ports.isAudienceKnown === false) {
      return true;
    }
    const isHeard =
      model === undefined
        ? this.#own.size > 0 || this.#othersNow().length > 0
        : this.#own.has(model) || this.#isHeardByOthers(model);
    if (!isHeard) {
      this.#unheard.set(model ?? ANY_MODEL, this.#now());
    }
    return isHeard;
  }

  async send(announcements: readonly RecordAnnouncement[]): Promise<void> {
    await Promise.all(announcements.map((announcement) => this.#send(announcement)));
  }

  async sendGaps(): Promise<void> {
    const known = this.#ports.isAudienceKnown === false ? [ANY_MODEL] : this.#othersNow();
    const models = this.isHeard() ? new Set([...this.#own.keys(), ...known]) : [];
    await this.send([...models].map(gapAnnouncement));
  }

  async listen(model: string): Promise<() => void> {
    const own: Own = this.#own.get(model) ?? { count: 0, since: this.#now() };
    own.count += 1;
    this.#own.set(model, own);
    // Also one that comes while they are being told.
    await (own.told ??= this.#tell([model]));
    let isOver = false;
    return () => {
      if (!isOver) {
        isOver = true;
        own.count -= 1;
        if (own.count === 0) {
          this.#own.delete(model);
        }
      }
    };
  }

  hear(message: AudienceMessage | null): void {
    if (message?.kind === "ASK") {
      this.renew();
    } else if (message?.kind === "LISTEN" && message.by !== this.#id) {
      for (const [model, since] of Object.entries(message.models)) {
        this.#others.set(model, this.#now() + AUDIENCE_MS);
        this.#answer(model, since - CLOCK_SKEW_MS);
      }
    }
  }

  /** Says again what this process listens to, and makes good what could not be sent meanwhile. */
  renew(): void {
    const models = [...this.#own.keys()];
    this.#own.forEach(({ since }, model) => this.#answer(model, since + 1));
    for (let at = 0; at < models.length; at += MODELS_A_MESSAGE) {
      void this.#tell(models.slice(at, at + MODELS_A_MESSAGE));
    }
  }

  /** Asks all processes what they listen to. */
  ask(): void {
    void this.#publish(AUDIENCE_TOPIC, { kind: "ASK" } satisfies AudienceMessage);
  }

  #now(): number {
    return this.#ports.clock.now().getTime();
  }

  #isHeardByOthers(model: string): boolean {
    const until = this.#others.get(model);
    return until !== undefined && until > this.#now();
  }

  #othersNow(): readonly string[] {
    return [...this.#others.keys()].filter((model) => this.#isHeardByOthers(model));
  }

  async #send(announcement: RecordAnnouncement): Promise<void> {
    if (!(await this.#publish(RECORD_TOPIC, encodeRecordAnnouncement(announcement)))) {
      this.#unheard.set(announcement.model, this.#now());
    }
  }

  /** Tells those who listen since then that they may have missed something, if so. */
  #answer(model: string, since: number): void {
    const at = Math.max(this.#unheard.get(model) ?? 0, this.#unheard.get(ANY_MODEL) ?? 0);
    if (at >= since && at > (this.#answered.get(model) ?? 0)) {
      this.#answered.set(model, at);
      void this.send([gapAnnouncement(model)]);
    }
  }

  async #tell(names: readonly string[]): Promise<void> {
    const models = Object.fromEntries(names.map((name) => [name, this.#own.get(name)?.since ?? this.#now()]));
    const message: AudienceMessage = { kind: "LISTEN", by: this.#id, models };
    await this.#publish(AUDIENCE_TOPIC, message);
  }

  /** @returns false where the message could not be sent */
  async #publish(topic: string, message: Json): Promise<boolean> {
    try {
      await this.#ports.bus.publish(topic, message);
      return true;
    } catch (error) {
      // The bus logs an outage once.
      const level = isAppError(error, "UNAVAILABLE") ? "debug" : "error";
      this.#ports.logger[level](errorFields(error), "a message about records could not be sent");
      return false;
    }
  }
}

function gapAnnouncement(model: string): RecordAnnouncement {
  return { type: "GAP", model, ids: "all", taskId: null };
}

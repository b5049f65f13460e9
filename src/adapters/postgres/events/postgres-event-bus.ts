import pg from "pg";
import type { Clock } from "../../../kernel/clock.ts";
import { createSystemClock } from "../../../kernel/clock.ts";
import type { Json } from "../../../kernel/json.ts";
import type { Logger } from "../../../kernel/logger.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { EventBus } from "../../../core/events/event-bus.ts";
import { checkBusTopic, encodeBusMessage } from "../../../core/events/event-bus.ts";
import { createBusSubscribers } from "../../../core/events/bus-subscribers.ts";
import { createPgListener } from "./pg-listener.ts";
import { createPgNotifier } from "./pg-notifier.ts";
import { toUnavailableError } from "../../../kernel/unavailable-error.ts";

export interface PostgresEventBusOptions {
  /** Publishes; over a pool. */
  readonly session: SqlSession;
  /** For the bus's own connection, which listens. */
  readonly connectionString: string;
  readonly logger: Logger;
  /** The name of the bus's own connection in pg_stat_activity. Default "powercrud events". */
  readonly applicationName?: string;
  /** Times reconnecting and keepalive. Default: the machine's clock. */
  readonly clock?: Clock;
  /** A connection counts as lost after this time without an answer, in ms. Default 5,000. */
  readonly answerTimeoutMs?: number;
}

/** An event bus on LISTEN and NOTIFY, with one channel per topic. */
export function createPostgresEventBus(options: PostgresEventBusOptions): EventBus {
  const { logger } = options;
  const subscribers = createBusSubscribers(logger);
  const notifier = createPgNotifier(options.session);
  const listener = createPgListener({
    clock: options.clock ?? createSystemClock(),
    logger,
    createClient: () => createClient(options),
    onNotification(topic, payload) {
      const message = decode(payload);
      if (message !== undefined) {
        subscribers.deliver(topic, message);
      }
    },
    onReconnect: () => subscribers.reportGap(),
  });
  let published = 0;
  return {
    async publish(topic, message) {
      const json = encodeBusMessage(message);
      published += 1;
      await notifier.notify(checkBusTopic(topic), `${published} ${json}`);
    },
    async subscribe(topic, subscriber) {
      checkBusTopic(topic);
      const leave = subscribers.add(topic, subscriber);
      try {
        await listener.listen(topic);
      } catch (error) {
        leave();
        throw toUnavailableError(error);
      }
      return async () => leave();
    },
    async close() {
      subscribers.clear();
      await listener.close();
    },
  };
}

function createClient({
  connectionString,
  applicationName,
  answerTimeoutMs = 5_000,
}: PostgresEventBusOptions): pg.Client {
  return new pg.Client({
    connectionString,
    application_name: applicationName ?? "powercrud events",
    connectionTimeoutMillis: answerTimeoutMs,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
  });
}

/**
 * Decodes a payload; undefined for one that the bus did not send. Payloads begin with a running number, since PostgreSQL
 * drops a notification that repeats an earlier one of the same transaction.
 */
function decode(payload: string): Json | undefined {
  try {
    return JSON.parse(payload.slice(payload.indexOf(" ") + 1)) as Json;
  } catch {
    return undefined;
  }
}

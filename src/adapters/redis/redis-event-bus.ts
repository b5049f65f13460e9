import { RedisPubSub } from "graphql-redis-subscriptions";
import type { PubSubRedisOptions } from "graphql-redis-subscriptions";
import type { Redis } from "ioredis";
import { AppError } from "../../kernel/app-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import { createSystemClock } from "../../kernel/clock.ts";
import type { Json } from "../../kernel/json.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { EventBus } from "../../core/events/event-bus.ts";
import { checkBusTopic, encodeBusMessage } from "../../core/events/event-bus.ts";
import { createBusSubscribers } from "../../core/events/bus-subscribers.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { createFailFastRedis } from "./redis-connection.ts";
import { createRedisListener } from "./redis-listener.ts";
import { toRedisUnavailable } from "./redis-unavailable.ts";

export interface RedisEventBusOptions {
  /** Publishes; fails fast. Its creator closes it. */
  readonly publisher: RedisConnection;
  /** For the bus's own connection, which subscribes. */
  readonly url: string;
  /** The prefix of every channel. Channels are shared by all databases of a Redis, so only the prefix separates services. */
  readonly keyPrefix: string;
  readonly logger: Logger;
  /** Times the pings of the bus's own connection. Default: the machine's clock. */
  readonly clock?: Clock;
  /** A connection counts as lost after this time without an answer, in ms. Default 3,000. */
  readonly answerTimeoutMs?: number;
}

/** An event bus on Redis' pub/sub, with one channel per topic, using RedisPubSub of graphql-redis-subscriptions. */
export function createRedisEventBus(options: RedisEventBusOptions): EventBus {
  const { publisher, keyPrefix, logger, answerTimeoutMs = 3_000 } = options;
  const connection = createFailFastRedis({ url: options.url, name: "events", logger, answerTimeoutMs });
  const subscribers = createBusSubscribers(logger);
  const listener = createRedisListener({
    client: connection.client,
    connectTimeoutMs: answerTimeoutMs,
    clock: options.clock ?? createSystemClock(),
    logger,
    onReconnect: () => subscribers.reportGap(),
  });
  const pubSub = createPubSub(publisher.client, connection.client);
  const delivered = new Set<string>();
  let isClosed = false;

  /** Subscribes once per topic; the subscribers of this process share that. */
  const deliverFrom = async (topic: string): Promise<void> => {
    if (!delivered.has(topic)) {
      delivered.add(topic);
      await pubSub.subscribe<Json | undefined>(`${keyPrefix}${topic}`, (message) => {
        if (message !== undefined) {
          subscribers.deliver(topic, message);
        }
      });
    }
  };
  return {
    async publish(topic, message) {
      const channel = `${keyPrefix}${checkBusTopic(topic)}`;
      const json = encodeBusMessage(message);
      await publisher.ready();
      await pubSub.publish(channel, json).catch(refuse);
    },
    async subscribe(topic, subscriber) {
      checkBusTopic(topic);
      if (isClosed) {
        throw new AppError("UNAVAILABLE", "The event bus is closed.");
      }
      const remove = subscribers.add(topic, subscriber);
      try {
        await deliverFrom(topic);
        await listener.listen(`${keyPrefix}${topic}`);
      } catch (error) {
        remove();
        return refuse(error);
      }
      return async () => remove();
    },
    async close() {
      isClosed = true;
      subscribers.clear();
      listener.stop();
      connection.close();
    },
  };
}

function refuse(error: unknown): never {
  throw toRedisUnavailable(error);
}

/**
 * RedisPubSub publishes, decodes and delivers. Our listener sends SUBSCRIBE: RedisPubSub does not handle a failed SUBSCRIBE,
 * which ends the process, and does not report when the channels are back after a reconnect. It never unsubscribes here, for
 * the same reason.
 */
function createPubSub(publisher: Redis, subscriber: Redis): RedisPubSub {
  const listening = {
    on: subscriber.on.bind(subscriber),
    subscribe: (_channel: string, done: (error: null) => void) => done(null),
  };
  return new RedisPubSub({
    publisher,
    subscriber: listening as unknown as NonNullable<PubSubRedisOptions["subscriber"]>,
    // Messages are already encoded, to check their length.
    serializer: (json: string) => json,
    deserializer: (text) => decode(text.toString()),
  });
}

/** Undefined for a message that the bus did not send. */
function decode(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

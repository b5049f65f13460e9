import type { Redis } from "ioredis";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";

/** Subscriptions of one connection, renewed after each reconnect. */
export interface RedisListener {
  /** Resolves once every later message on the channel will arrive. Rejects if there is no connection in time. */
  listen(channel: string): Promise<void>;
  /** Stops the pings. The creator of the client closes it. */
  stop(): void;
}

export interface RedisListenerOptions {
  /** A client that fails fast, ends connections without answers, and does not resubscribe by itself. */
  readonly client: Redis;
  /** How long to wait for a connection, in ms. */
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The connection was lost and is back, with all of its subscriptions. */
  readonly onReconnect: () => void;
}

/** Pings at this interval reveal a server that vanished without closing the connection. */
const PING_INTERVAL_MS = 5_000;

/**
 * Never unsubscribes from a channel: there are only a few, and unsubscribing would race with the next subscriber.
 */
export function createRedisListener(options: RedisListenerOptions): RedisListener {
  const { client, clock, logger } = options;
  const channels = new Set<string>();
  let wasReady = false;
  /** The connection is new, and the channels are not yet subscribed on it. */
  let isBehind = false;

  const catchUp = async (): Promise<void> => {
    if (channels.size > 0) {
      await client.subscribe(...channels);
    }
    isBehind = false;
    logger.debug({ channels: channels.size }, "the bus's subscriptions are back");
    options.onReconnect();
  };
  const keepUp = async (): Promise<void> => {
    try {
      await (isBehind ? catchUp() : client.ping());
    } catch (error) {
      // The client replaces a broken connection. If the server refuses, the next ping tries again.
      logger.debug({ reason: String(error) }, "the bus's connection did not answer");
    }
  };
  client.on("ready", () => {
    isBehind = wasReady;
    wasReady = true;
    if (isBehind) {
      void keepUp();
    }
  });
  const stopPinging = clock.every(PING_INTERVAL_MS, () => void (client.status === "ready" && keepUp()));
  return {
    async listen(channel) {
      channels.add(channel);
      await untilReady(client, clock, options.connectTimeoutMs);
      await client.subscribe(channel);
    },
    stop: stopPinging,
  };
}

/** Rejects with the error of a command that is sent without a connection. */
function untilReady(client: Redis, clock: Clock, timeoutMs: number): Promise<void> {
  if (client.status === "ready") {
    return Promise.resolve();
  }
  return new Promise((resolve, reject) => {
    const succeed = (): void => {
      cancel();
      resolve();
    };
    const cancel = clock.after(timeoutMs, () => {
      client.off("ready", succeed);
      reject(new Error("Connection is closed."));
    });
    client.once("ready", succeed);
  });
}

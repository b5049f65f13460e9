import type { Redis } from "ioredis";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";

/** Subscriptions at the server on one connection, kept up until the end. */
export interface RedisListener {
  /** Resolves once every later message on the channel will arrive. Rejects when there is no connection in time. */
  listen(channel: string): Promise<void>;
  /** Ends the pings. The maker of the client closes it. */
  stop(): void;
}

export interface RedisListenerOptions {
  /** A client that fails fast, ends connections which do not answer, and does not resubscribe by itself. */
  readonly client: Redis;
  /** How long to wait for a connection, in ms. */
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The connection was lost and is back, subscribed to all that it was before. */
  readonly onReconnect: () => void;
}

/** A ping without an answer finds out that the peer has vanished. */
const PING_INTERVAL_MS = 5_000;

/**
 * A channel stays subscribed once it was asked for: there are only a few, and unsubscribing would race with the next
 * subscriber.
 */
export function createRedisListener(options: RedisListenerOptions): RedisListener {
  const { client, clock, logger } = options;
  const channels = new Set<string>();
  let wasReady = false;
  /** The connection is a new one, and the channels are not subscribed on it yet. */
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
      // A broken connection is about to be replaced; if the server refuses, the next ping tries again.
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

/** Rejects like a command that is sent without a connection. */
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

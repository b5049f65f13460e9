import type { Redis } from "ioredis";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";

/** Subscriptions at the server, kept up for ever on one connection. */
export interface RedisListener {
  /** Resolves once every later message on the channel will arrive. Rejects when there is no connection in time. */
  listen(channel: string): Promise<void>;
  /** Keeps nothing up any more; the client is its maker's to end. */
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

/** A peer that vanished without a word is noticed by a ping that gets no answer. */
const PING_INTERVAL_MS = 5_000;

/**
 * Channels are listened to for ever once they are wanted: there is a handful of them, and giving them up would race
 * with who wants them next.
 */
export function createRedisListener(options: RedisListenerOptions): RedisListener {
  const { client, clock, logger } = options;
  const channels = new Set<string>();
  let wasReady = false;
  /** The connection is another one, and the channels were not yet asked for on it. */
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
      // Where the connection is the matter, it is about to be replaced; where the server refuses, the next ping tries.
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

/** Rejects as a command would that is sent while there is no connection. */
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

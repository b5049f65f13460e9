import { isAppError } from "../../../kernel/app-error.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Logger } from "../../../kernel/logger.ts";
import { errorFields } from "../../../kernel/logger.ts";
import { toUnavailableError } from "../../../kernel/unavailable-error.ts";
import type { Notification } from "pg";

/** The part of pg's client that listening needs. */
interface ListenClient {
  connect(): Promise<unknown>;
  query(text: string): Promise<unknown>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(event: "notification", listener: (notification: Notification) => void): unknown;
}

/** One listening connection, reconnected whenever it is lost. */
interface PgListener {
  /** Resolves once every later notification on the channel will arrive. Rejects when there is no connection. */
  listen(channel: string): Promise<void>;
  close(): Promise<void>;
}

interface PgListenerOptions {
  /** A client for one connection, whose queries fail when the peer does not answer within a few seconds. */
  readonly createClient: () => ListenClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onNotification: (channel: string, payload: string) => void;
  /** The connection was lost and is back, on all channels. */
  readonly onReconnect: () => void;
}

/** Queries at this interval reveal a server that vanished without closing the connection. */
const KEEPALIVE_INTERVAL_MS = 15_000;

/** Never stops listening to a channel: there are few of them, and UNLISTEN would race with the next LISTEN. */
export function createPgListener(options: PgListenerOptions): PgListener {
  const channels = new Set<string>();
  const connection = keepConnection(options, channels);
  const stopKeepalive = options.clock.every(KEEPALIVE_INTERVAL_MS, () => {
    const client = connection.current();
    client?.query("SELECT 1").catch((error: unknown) => connection.lose(client, error));
  });
  let isClosed = false;
  return {
    async listen(channel) {
      if (isClosed) {
        throw new TypeError("the listener is closed");
      }
      channels.add(channel);
      const client = await connection.connect();
      await listenTo(client, [channel]).catch((error: unknown) => {
        connection.lose(client, error);
        throw error;
      });
    },
    async close() {
      isClosed = true;
      stopKeepalive();
      await connection.close();
    },
  };
}

/** The connection, replaced when it is lost. */
interface KeptConnection {
  current(): ListenClient | undefined;
  /** The current client, or a new one. Concurrent calls share one try. */
  connect(): Promise<ListenClient>;
  /** Discards the client, and tries to connect another one until it succeeds. */
  lose(client: ListenClient, error: unknown): void;
  close(): Promise<void>;
}

function keepConnection(options: PgListenerOptions, channels: Iterable<string>): KeptConnection {
  const { clock, logger } = options;
  let current: ListenClient | undefined;
  let connecting: Promise<ListenClient> | undefined;
  let wasConnected = false;

  const open = async (): Promise<ListenClient> => {
    const client = await openClient(options, channels, (error) => lose(client, error));
    current = client;
    retry.reset();
    if (wasConnected) {
      logger.info({}, "the listening connection is back");
      options.onReconnect();
    }
    wasConnected = true;
    return client;
  };
  const connect = async (): Promise<ListenClient> => {
    if (current !== undefined) {
      return current;
    }
    connecting ??= open().finally(() => (connecting = undefined));
    return connecting;
  };
  const retry = createRetry({ clock, logger, what: "the listening connection", attempt: connect });
  const lose = (client: ListenClient, error: unknown): void => {
    if (client === current) {
      current = undefined;
      // If a query found the loss, the client may still hold a socket.
      client.end().catch(() => undefined);
      logger.warn(errorFields(toUnavailableError(error)), "the listening connection was lost");
      retry.start();
    }
  };
  return {
    current: () => current,
    connect,
    lose,
    async close() {
      retry.stop();
      await connecting?.catch(() => undefined);
      const client = current;
      current = undefined;
      await client?.end();
    },
  };
}

/** A connected client that listens to the channels. */
async function openClient(
  options: PgListenerOptions,
  channels: Iterable<string>,
  onLost: (error: unknown) => void,
): Promise<ListenClient> {
  const client = options.createClient();
  let isOpen = false;
  let reason: unknown;
  client.on("error", (error) => void (reason = error));
  client.on("end", () => isOpen && onLost(reason));
  client.on("notification", ({ channel, payload }) => options.onNotification(channel, payload ?? ""));
  try {
    await client.connect();
    await listenTo(client, channels);
  } catch (error) {
    client.end().catch(() => undefined);
    throw error;
  }
  isOpen = true;
  return client;
}

async function listenTo(client: ListenClient, channels: Iterable<string>): Promise<void> {
  const statements = [...channels].map((channel) => `LISTEN "${channel}"`);
  if (statements.length > 0) {
    await client.query(statements.join("; "));
  }
}

/** Repeats an attempt with growing pauses. */
interface Retry {
  /** Tries after a pause, and repeats until it succeeds. Does nothing while a try is scheduled. */
  start(): void;
  /** After a success: the next start begins with short pauses again. */
  reset(): void;
  /** Cancels all tries, for good. */
  stop(): void;
}

const FIRST_WAIT_MS = 50;
const MAX_WAIT_MS = 5_000;

/** Waits 50 ms before the first try, then twice as long before each next one, at most 5 s. */
export function createRetry(options: {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly what: string;
  readonly attempt: () => Promise<unknown>;
}): Retry {
  let waitMs = FIRST_WAIT_MS;
  let cancel: (() => void) | undefined;
  let isStopped = false;
  const start = (): void => {
    if (isStopped || cancel !== undefined) {
      return;
    }
    cancel = options.clock.after(waitMs, () => {
      cancel = undefined;
      options.attempt().catch((error: unknown) => {
        const failure = toUnavailableError(error);
        // The lost connection itself was logged before.
        const level = isAppError(failure, "UNAVAILABLE") ? "debug" : "warn";
        options.logger[level]({ ...errorFields(failure), waitMs }, `${options.what} is still down`);
        start();
      });
    });
    waitMs = Math.min(MAX_WAIT_MS, waitMs * 2);
  };
  return {
    start,
    reset: () => void (waitMs = FIRST_WAIT_MS),
    stop() {
      isStopped = true;
      cancel?.();
    },
  };
}

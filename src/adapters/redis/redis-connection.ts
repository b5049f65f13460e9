import { isIP } from "node:net";
import { Redis } from "ioredis";
import type { RedisOptions } from "ioredis";
import { AppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";
import { ENDED_AT_ONCE, meaningOfAnswer } from "./redis-unavailable.ts";

/** The options of a connection to Redis. */
export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`, with user, password and database number if needed. */
  readonly url: string;
  /** The purpose of the connection in one word, shown in CLIENT LIST and in logs. */
  readonly name: string;
  readonly logger: Logger;
  /** Timeout for connecting, and for each command of a fail-fast connection, in ms. Default 3,000. */
  readonly answerTimeoutMs?: number;
}

/** One client with one purpose. Its creator closes it. */
export interface RedisConnection {
  readonly client: Redis;
  /**
   * Resolves at once while there is a connection. Before the first connection, waits for the end of the first try.
   * @throws AppError UNAVAILABLE
   */
  ready(): Promise<void>;
  /** Ends the connection for good. Idempotent. */
  close(): void;
}

const DEFAULT_ANSWER_TIMEOUT_MS = 3_000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;
/** The queue's blocking reads take at most ten seconds; a longer silence means that the server is gone. */
const PATIENT_SILENCE_MS = 30_000;

/**
 * For commands that a request waits for. Without a connection they fail at once, and a command whose connection breaks is
 * not sent again. The client keeps trying to connect.
 */
export function createFailFastRedis(options: RedisConnectionOptions): RedisConnection {
  const answerTimeoutMs = options.answerTimeoutMs ?? DEFAULT_ANSWER_TIMEOUT_MS;
  return createConnection(options, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: answerTimeoutMs,
    // Ends a dead connection; with commandTimeout alone, the next commands would use it, too.
    socketTimeout: answerTimeoutMs,
    // The listener resubscribes, since it must know when the subscriptions are back.
    autoResubscribe: false,
  });
}

/** For the queue's consumers: commands wait for the connection, without a limit. */
export function createPatientRedis(options: RedisConnectionOptions): RedisConnection {
  return createConnection(options, { maxRetriesPerRequest: null, socketTimeout: PATIENT_SILENCE_MS });
}

/** The options that differ between the two kinds of connection. */
type Manner = Pick<
  RedisOptions,
  "autoResubscribe" | "commandTimeout" | "enableOfflineQueue" | "maxRetriesPerRequest" | "socketTimeout"
>;

function createConnection(options: RedisConnectionOptions, manner: Manner): RedisConnection {
  const { url, logger } = options;
  const address = parseAddress(url);
  const client = new Redis(url, {
    connectionName: `powercrud-${options.name}`,
    connectTimeout: options.answerTimeoutMs ?? DEFAULT_ANSWER_TIMEOUT_MS,
    retryStrategy: (tries) => Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (tries - 1)),
    // After a failover the old master is a replica, and its host name may already lead to the new master.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    // Node sends the server name (SNI), by which a server chooses its certificate, only if it is given here.
    ...(address.protocol === "rediss:" && isIP(address.hostname) === 0
      ? { tls: { servername: address.hostname } }
      : {}),
    ...manner,
  });
  const firstTry = new Promise<void>((resolve) => {
    client.once("ready", () => resolve());
    client.once("close", () => resolve());
  });
  const outages = watchOutages(client, { redis: address.host, connection: options.name }, logger);
  return {
    client,
    async ready() {
      await firstTry;
      if (client.status !== "ready") {
        const reason = outages.lastReason();
        throw new AppError("UNAVAILABLE", meaningOfAnswer(reason) ?? "Redis cannot be reached.", {
          cause: new Error(reason),
        });
      }
    },
    close() {
      outages.ignore();
      client.disconnect();
    },
  };
}

/** @throws AppError INVALID_CONFIG that does not repeat the address: it may hold a password */
function parseAddress(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (address === undefined || !/^rediss?:$/.test(address.protocol)) {
    throw new AppError("INVALID_CONFIG", "the address of Redis has to begin with redis:// or rediss://");
  }
  return address;
}

/** The outages of a connection. */
interface Outages {
  /** Why the connection was last lost, or could not be made. */
  lastReason(): string;
  /** Stops reporting: the connection is being closed on purpose. */
  ignore(): void;
}

/**
 * Logs once per outage that the connection is lost, and once that it is back. Keeps only the message of an error: errors
 * contain the failed command, which may be the one with the password.
 */
function watchOutages(client: Redis, fields: object, logger: Logger): Outages {
  let reason = "the connection was closed";
  let isOut = false;
  let isIgnored = false;
  /** Connected, but without an answer yet: a server that closes the connection now refuses it. */
  let isGreeting = false;
  const report = (): void => {
    if (!isOut && !isIgnored) {
      isOut = true;
      logger.warn({ ...fields, reason }, "Redis cannot be reached; the client keeps trying to connect");
    }
  };
  // Without a listener ioredis would write every error to the console.
  client.on("error", (error: Error & { readonly code?: string }) => {
    // A host name with several addresses fails with one error per address and an empty message.
    reason = error.message === "" ? (error.code ?? error.name) : error.message;
    if (isGreeting && (error.code === "EPIPE" || error.code === "ECONNRESET")) {
      reason = `${ENDED_AT_ONCE} (${error.code})`;
    }
    report();
  });
  client.on("connect", () => {
    isGreeting = true;
    reason = ENDED_AT_ONCE;
  });
  client.on("close", () => {
    isGreeting = false;
    report();
  });
  client.on("ready", () => {
    if (isOut) {
      isOut = false;
      logger.info(fields, "Redis can be reached again");
    }
    isGreeting = false;
    reason = "the connection was closed";
  });
  return { lastReason: () => reason, ignore: () => void (isIgnored = true) };
}

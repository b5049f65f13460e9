import { isIP } from "node:net";
import { Redis } from "ioredis";
import type { RedisOptions } from "ioredis";
import { AppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";
import { ENDED_AT_ONCE, meaningOfAnswer } from "./redis-unavailable.ts";

/** How to reach Redis, and what for. */
export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`, with user, password and database number where they are needed. */
  readonly url: string;
  /** What the connection is for, one word: shown in CLIENT LIST and in logs. */
  readonly name: string;
  readonly logger: Logger;
  /** How long connecting may take, and the answer to a command of a fail-fast connection, in ms. Default 3,000. */
  readonly answerTimeoutMs?: number;
}

/** One client with one purpose. Its maker closes it. */
export interface RedisConnection {
  readonly client: Redis;
  /**
   * Resolves at once while there is a connection. Before the first one, waits for the end of the first try.
   * @throws AppError UNAVAILABLE
   */
  ready(): Promise<void>;
  /** Ends the connection for good. Idempotent. */
  close(): void;
}

const DEFAULT_ANSWER_TIMEOUT_MS = 3_000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;
/** Blocking reads of the queue take ten seconds at most; a longer silence means that the peer is gone. */
const PATIENT_SILENCE_MS = 30_000;

/**
 * For commands that a request waits for. While there is no connection they fail at once, and a command whose connection
 * breaks is not sent again. Connecting is tried for ever.
 */
export function createFailFastRedis(options: RedisConnectionOptions): RedisConnection {
  const answerTimeoutMs = options.answerTimeoutMs ?? DEFAULT_ANSWER_TIMEOUT_MS;
  return createConnection(options, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: answerTimeoutMs,
    // A timeout alone would leave the next commands to the same dead connection.
    socketTimeout: answerTimeoutMs,
    // The listener resubscribes: it has to know when the subscriptions are back.
    autoResubscribe: false,
  });
}

/** For the consumers of the queue: commands wait for the connection, however long it takes. */
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
    // After a failover the old master is a replica; the name may lead to the new one by now.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    // Node sends the name that the server chooses its certificate by only if it is given.
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
  /** From now on the connection is ended on purpose. */
  ignore(): void;
}

/**
 * Logs once that there is no connection, however often it is tried again, and once that it is back. Of errors only the
 * message is kept: they carry the command that failed, which may be the one with the password.
 */
function watchOutages(client: Redis, fields: object, logger: Logger): Outages {
  let reason = "the connection was closed";
  let isOut = false;
  let isIgnored = false;
  /** Connected, but not answered yet: a server that closes the connection now does so on purpose. */
  let isGreeting = false;
  const report = (): void => {
    if (!isOut && !isIgnored) {
      isOut = true;
      logger.warn({ ...fields, reason }, "Redis cannot be reached; the connection is tried until it is back");
    }
  };
  // Without a listener ioredis would write every error to the console.
  client.on("error", (error: Error & { readonly code?: string }) => {
    // A name with several addresses fails with one error for each, under an empty message.
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

import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { isAppError } from "../../kernel/app-error.ts";
import type { RedisConnection } from "./redis-connection.ts";
import { meaningOfAnswer, toRedisUnavailable } from "./redis-unavailable.ts";

/** What a Redis server reports about itself. */
export interface RedisFacts {
  /** Such as "7.0.15"; a compatible server reports the version of Redis that it is compatible with. */
  readonly version: string;
  /** "master" or "slave". */
  readonly role: string;
  /** Such as "noeviction"; null if the server does not report it. */
  readonly maxmemoryPolicy: string | null;
  /** In bytes; 0 means unlimited. */
  readonly maxmemory: number;
  /** In bytes. */
  readonly usedMemory: number;
  readonly isAppendOnly: boolean;
  /** The address names a database that does not exist, so the connection uses number 0 instead. */
  readonly isDatabaseMissing: boolean;
  /** Why it refused to run a script that writes; null if it ran the script, or the script was not tried. */
  readonly refusal: string | null;
}

/** What {@link inspectRedis} found. */
export type RedisInspection =
  | ({ readonly isReachable: true } & RedisFacts)
  | {
      readonly isReachable: false;
      /** It answers, but refuses the service, at least for now. */
      readonly isAnswering: boolean;
      /** Contains no address. */
      readonly message: string;
      /** The error message of the server, the driver or the network. */
      readonly reason: string;
    };

/** A reason why the service cannot use the server, or only at a risk. */
export interface RedisProblem {
  readonly severity: "error" | "warning";
  /** The problem and its solution. */
  readonly message: string;
}

/** KEYS[1] the key. Writes a key that expires, from a script, as the queue does. */
const TRY_WRITE = `
redis.call('INFO', 'server')
redis.call('SET', KEYS[1], '1', 'PX', 10000)
return 1
`;

const TRY_WRITE_HASH = createHash("sha1").update(TRY_WRITE).digest("hex");

/** Above this part of maxmemory, the server is about to refuse writes. */
const SCARCE_MEMORY = 0.9;

/**
 * Reads a server's facts, and runs a script that writes a key, which a server that answers may still refuse. A server that
 * cannot be reached is a result, not an error.
 * @param keyPrefix in front of the key, which expires by itself
 */
export async function inspectRedis(connection: RedisConnection, keyPrefix: string): Promise<RedisInspection> {
  try {
    await connection.ready();
    return { isReachable: true, ...(await readFacts(connection.client, keyPrefix)) };
  } catch (error) {
    const reason = reasonOf(error);
    const meaning = meaningOfAnswer(reason);
    const message = meaning ?? "Redis cannot be reached.";
    return { isReachable: false, isAnswering: meaning !== undefined, message, reason };
  }
}

/** The problems of a server, the worst first. */
export function redisProblems(inspection: RedisInspection): readonly RedisProblem[] {
  if (!inspection.isReachable) {
    const message = `${inspection.message.replace(/\.$/, "")}: ${inspection.reason}`;
    return [{ severity: "error", message }];
  }
  const checks: readonly (readonly [RedisProblem["severity"], string | undefined])[] = [
    ["error", versionProblem(inspection)],
    ["error", roleProblem(inspection)],
    ["error", databaseProblem(inspection)],
    ["error", policyProblem(inspection)],
    ["error", inspection.refusal?.replace(/\.$/, "")],
    ["warning", memoryProblem(inspection)],
    ["warning", unknownPolicy(inspection)],
    ["warning", appendOnlyProblem(inspection)],
  ];
  return checks.flatMap(([severity, message]) => (message === undefined ? [] : [{ severity, message }]));
}

async function readFacts(client: Redis, keyPrefix: string): Promise<RedisFacts> {
  const info = parseInfo(await client.info());
  const wanted = client.options.db ?? 0;
  const role = info.get("role") ?? "master";
  const isDatabaseMissing = wanted !== 0 && (await lacksDatabase(client, wanted));
  return {
    version: info.get("redis_version") ?? "0",
    role,
    // From INFO: hosted services often refuse CONFIG.
    maxmemoryPolicy: info.get("maxmemory_policy") ?? null,
    maxmemory: Number(info.get("maxmemory") ?? 0),
    usedMemory: Number(info.get("used_memory") ?? 0),
    isAppendOnly: info.get("aof_enabled") === "1",
    isDatabaseMissing,
    // A replica, or a missing database, is a problem already.
    refusal: role === "master" && !isDatabaseMissing ? await tryWrite(client, keyPrefix) : null,
  };
}

/** @returns why the server refused; null where it wrote the key */
async function tryWrite(client: Redis, keyPrefix: string): Promise<string | null> {
  try {
    const key = `${keyPrefix}probe`;
    // First by its hash, as the queue runs its scripts: a user may lack the permission for one of the two commands.
    await client.evalsha(TRY_WRITE_HASH, 1, key).catch((error: unknown) => {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) {
        throw error;
      }
      return client.eval(TRY_WRITE, 1, key);
    });
    return null;
  } catch (cause) {
    const error = toRedisUnavailable(cause);
    if (isAppError(error, "UNAVAILABLE") && meaningOfAnswer(reasonOf(error)) !== undefined) {
      return error.message;
    }
    throw error;
  }
}

/** Parses the answer of INFO: lines of `name:value` under headings that begin with #. */
function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(":"));
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)] as const),
  );
}

/** Checks the database number, since ioredis silently uses database 0 if the server refuses it. */
async function lacksDatabase(client: Redis, number: number): Promise<boolean> {
  try {
    await client.select(number);
    return false;
  } catch (error) {
    if (error instanceof Error && error.message.includes("DB index is out of range")) {
      return true;
    }
    throw error;
  }
}

function versionProblem({ version }: RedisFacts): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 2)
    ? undefined
    : `Redis ${version} is too old: 6.2 or later is needed`;
}

function roleProblem({ role }: RedisFacts): string | undefined {
  return role === "master"
    ? undefined
    : `Redis is a replica (role ${role}): the address of its master is needed`;
}

function databaseProblem({ isDatabaseMissing }: RedisFacts): string | undefined {
  return isDatabaseMissing
    ? "Redis does not have the database number of the address: a smaller number, or more databases, are needed"
    : undefined;
}

function policyProblem({ maxmemoryPolicy }: RedisFacts): string | undefined {
  return maxmemoryPolicy === null || maxmemoryPolicy === "noeviction"
    ? undefined
    : `Redis drops keys when its memory is full (maxmemory-policy ${maxmemoryPolicy}), and with them queued tasks: ` +
        "maxmemory-policy noeviction is needed";
}

function memoryProblem({ usedMemory, maxmemory, refusal }: RedisFacts): string | undefined {
  return refusal === null && maxmemory > 0 && usedMemory >= maxmemory * SCARCE_MEMORY
    ? `Redis uses ${Math.round((usedMemory / maxmemory) * 100)} % of its memory (maxmemory ${maxmemory} bytes), and ` +
        "refuses writes where there is none left: a larger maxmemory is better"
    : undefined;
}

function unknownPolicy({ maxmemoryPolicy }: RedisFacts): string | undefined {
  return maxmemoryPolicy === null
    ? "Redis does not tell its maxmemory-policy: make sure that it is noeviction"
    : undefined;
}

function appendOnlyProblem({ isAppendOnly }: RedisFacts): string | undefined {
  return isAppendOnly
    ? undefined
    : "Redis keeps no append-only file: after a restart its queue is empty, and tasks begin late, when the sweeper has " +
        "enqueued them again; appendonly yes is better";
}

/** The message of the error's cause, or of the error itself. */
function reasonOf(error: unknown): string {
  const inner = isAppError(error) && error.cause !== undefined ? error.cause : error;
  return inner instanceof Error ? inner.message : String(inner);
}

import type { Redis } from "ioredis";
import { isAppError } from "../../kernel/app-error.ts";
import type { RedisConnection } from "./redis-connection.ts";

/** What a Redis server says of itself. */
export interface RedisFacts {
  /** Such as "7.0.15"; of a compatible server, the version of Redis that it stands for. */
  readonly version: string;
  /** "master" or "slave". */
  readonly role: string;
  /** Such as "noeviction"; null where the server does not tell. */
  readonly maxmemoryPolicy: string | null;
  /** In bytes; 0 is without limit. */
  readonly maxmemory: number;
  readonly isAppendOnly: boolean;
  /** The database that the connection asked for does not exist; it uses number 0 instead. */
  readonly isDatabaseMissing: boolean;
}

/** What {@link inspectRedis} found. */
export type RedisInspection =
  | ({ readonly isReachable: true } & RedisFacts)
  | { readonly isReachable: false; readonly reason: string };

/** Something about a server that the service cannot work with, or only at a risk. */
export interface RedisProblem {
  readonly severity: "error" | "warning";
  /** What is wrong, and what would be right. */
  readonly message: string;
}

/** Asks a server what the service has to know of it. A server that cannot be reached is a finding, not an error. */
export async function inspectRedis(connection: RedisConnection): Promise<RedisInspection> {
  try {
    await connection.ready();
    return { isReachable: true, ...(await readFacts(connection.client)) };
  } catch (error) {
    return { isReachable: false, reason: reasonOf(error) };
  }
}

/** What is wrong with a server, the worst first; nothing where all is well. */
export function redisProblems(inspection: RedisInspection): readonly RedisProblem[] {
  if (!inspection.isReachable) {
    return [{ severity: "error", message: `Redis cannot be reached: ${inspection.reason}` }];
  }
  const checks: readonly (readonly [RedisProblem["severity"], string | undefined])[] = [
    ["error", versionProblem(inspection)],
    ["error", roleProblem(inspection)],
    ["error", databaseProblem(inspection)],
    ["error", policyProblem(inspection)],
    ["warning", unknownPolicy(inspection)],
    ["warning", appendOnlyProblem(inspection)],
  ];
  return checks.flatMap(([severity, message]) => (message === undefined ? [] : [{ severity, message }]));
}

async function readFacts(client: Redis): Promise<RedisFacts> {
  const info = parseInfo(await client.info());
  const wanted = client.options.db ?? 0;
  return {
    version: info.get("redis_version") ?? "0",
    role: info.get("role") ?? "master",
    // INFO tells it also where CONFIG is refused, as hosted services like to do.
    maxmemoryPolicy: info.get("maxmemory_policy") ?? null,
    maxmemory: Number(info.get("maxmemory") ?? 0),
    isAppendOnly: info.get("aof_enabled") === "1",
    isDatabaseMissing: wanted !== 0 && (await lacksDatabase(client, wanted)),
  };
}

/** INFO: lines of `name:value` under headings that begin with #. */
function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(":"));
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)] as const),
  );
}

/** ioredis goes on with database 0 where the one that it was told to use is refused. */
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
    : `Redis drops keys when its memory is full (maxmemory-policy ${maxmemoryPolicy}), and with them locks and queued ` +
        "tasks: maxmemory-policy noeviction is needed";
}

function unknownPolicy({ maxmemoryPolicy }: RedisFacts): string | undefined {
  return maxmemoryPolicy === null
    ? "Redis does not tell its maxmemory-policy: make sure that it is noeviction"
    : undefined;
}

function appendOnlyProblem({ isAppendOnly }: RedisFacts): string | undefined {
  return isAppendOnly
    ? undefined
    : "Redis keeps no append-only file: after a restart, locks and queue have to be built anew from the database, and " +
        "launches are refused or wait until they are; appendonly yes is better";
}

/** The reason underneath, where there is one. */
function reasonOf(error: unknown): string {
  const inner = isAppError(error) && error.cause !== undefined ? error.cause : error;
  return inner instanceof Error ? inner.message : String(inner);
}

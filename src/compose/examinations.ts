import type { RedisInspection } from "../adapters/redis/inspect-redis.ts";
import { inspectRedis, redisProblems } from "../adapters/redis/inspect-redis.ts";
import type { RedisConnection } from "../adapters/redis/redis-connection.ts";
import type { MigratedProject } from "./migrations.ts";
import { findPendingMigrations } from "./migrations.ts";
import type { Examination, Finding } from "../core/health/health-check.ts";
import type { SqlSession } from "../kernel/sql-session.ts";

/** Whether the database answers. */
export function examineDatabase(session: SqlSession): Examination {
  return {
    name: "database",
    async examine() {
      await session.query("SELECT 1 AS answer");
      return { status: "OK", message: "PostgreSQL answers." };
    },
  };
}

/**
 * Whether all known migrations are applied.
 * @param project if undefined, only the engine's own are checked
 */
export function examineMigrations(session: SqlSession, project: MigratedProject | undefined): Examination {
  return {
    name: "migrations",
    async examine() {
      const pending = await findPendingMigrations(session, project);
      return pending.length === 0
        ? { status: "OK", message: "All migrations are applied." }
        : {
            status: "FAILED",
            message: `The database lacks migrations: ${pending.join(", ")}. Run: npx powercrud migrate.`,
          };
    },
  };
}

/**
 * Whether Redis answers, accepts writes under the prefix, and does not evict keys.
 * @param findMore further checks of a server that answers; undefined if they find nothing
 */
export function examineRedis(
  connection: RedisConnection,
  keyPrefix: string,
  findMore: () => Promise<Finding | undefined> = async () => undefined,
): Examination {
  return {
    name: "redis",
    async examine() {
      const inspection = await inspectRedis(connection, keyPrefix);
      const finding = findingOf(inspection);
      return (finding.status === "FAILED" ? undefined : await findMore()) ?? finding;
    },
  };
}

function findingOf(inspection: RedisInspection): Finding {
  if (!inspection.isReachable) {
    return { status: "FAILED", message: inspection.message, detail: inspection.reason };
  }
  const problems = redisProblems(inspection);
  if (problems.length === 0) {
    return { status: "OK", message: "Redis answers." };
  }
  const isFault = problems.some(({ severity }) => severity === "error");
  return {
    status: isFault ? "FAILED" : "WARNING",
    message: problems.map(({ message }) => `${message}.`).join(" "),
  };
}

import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import { Pool } from "pg";

import type { PostgresServer } from "../support/postgres-server.ts";
import { MIN_SHARED_RECORDS } from "../../src/core/bulk/bulk-definition.ts";
import { makePlan, type FaultPlan } from "./chaos-plan.ts";
import { startChaosRedis, type ChaosRedis } from "./chaos-redis.ts";
import { findLeftLocks, findWrongs } from "./find-wrongs.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { startMember, type Deployment, type Member } from "./member.ts";
import { pollUntil } from "./poll-until.ts";
import { runStatement } from "./run-statement.ts";
import {
  ANYBODY,
  findTrespasses,
  GUARDED_PROJECT,
  revoke,
  type Revocation,
  type User,
} from "./signed-users.ts";
import { strike, type Targets } from "./strike.ts";
import { runUsers, USER_COUNT } from "./users.ts";

export type TestBackend = "postgres" | "redis";

/** One round of chaos. */
export interface RoundOptions {
  readonly backend: TestBackend;
  readonly seed: number;
  /** How often each fault strikes. */
  readonly cycles: number;
  /** The time after which no more faults strike, in ms. */
  readonly maxMs: number;
  readonly postgres: PostgresServer;
  /** A migrated and seeded database with the audit in it, which the round copies. */
  readonly template: string;
  /** Those who sign in, with keys of the template. Default: nobody has to. */
  readonly signedUsers?: readonly User[] | undefined;
}

/** The result of a round. */
export interface RoundReport {
  /** What is wrong; empty if nothing is. */
  readonly findings: readonly string[];
  readonly tasksByStatus: Readonly<Record<string, number>>;
  readonly tasksByKind: Readonly<Record<string, number>>;
  readonly sharedCount: number;
  readonly attemptCount: number;
  readonly incrementCount: number;
  readonly faults: readonly string[];
  readonly answers: Readonly<Record<string, number>>;
}

const LEASE_MS = 1500;
const KEY_PREFIX = "chaos:";
const SERVER_COUNT = 2;
const WORKER_COUNT = 3;
const READY_MS = 60_000;
/** The fewest changed records for a meaningful round. */
const ENOUGH_INCREMENTS = 52_000;
/** Tasks that end between two faults. */
const SETTLED_BETWEEN = 2;
/** More than anything takes: the sweeper waits 5 s at most before it helps. */
const SETTLE_MS = 60_000;

/** Everything that a round opens and closes. */
interface Round {
  readonly options: RoundOptions;
  readonly sql: Pool;
  readonly redis: ChaosRedis | undefined;
  readonly members: readonly Member[];
  readonly ledger: Ledger;
  readonly moments: EventEmitter;
  /** The end of a key in the middle of the round, where users sign in. */
  readonly revocation: Revocation | undefined;
  /** Ends the key. */
  readonly revoke: () => Promise<void>;
  readonly findings: string[];
  /** The time of each fault, in order. */
  readonly faults: string[];
}

/** Copies the database, deploys onto it, puts it under load and faults, waits until it is quiet, and looks at it. */
export async function runRound(options: RoundOptions): Promise<RoundReport> {
  const name = `chaos_${options.backend}_${options.seed}`;
  await runStatement(
    options.postgres.urlOf("postgres"),
    `CREATE DATABASE ${name} TEMPLATE ${options.template}`,
  );
  const databaseUrl = options.postgres.urlOf(name);
  const redis = options.backend === "redis" ? await startChaosRedis() : undefined;
  const findings: string[] = [];
  const deployment = deploymentOf(options, databaseUrl, redis?.url);
  const members = deploy(deployment, (finding) => void findings.push(finding));
  const userId = options.signedUsers?.[0]?.signed?.id;
  const revocation =
    userId === undefined ? undefined : { userId, askedAt: undefined, goneAt: undefined, refusals: 0 };
  const sql = new Pool({ connectionString: databaseUrl, max: 4 });
  // PostgreSQL is restarted under it.
  sql.on("error", () => undefined);
  const round: Round = {
    options,
    sql,
    redis,
    members,
    ledger: createLedger(),
    moments: new EventEmitter(),
    revocation,
    revoke: async () => {
      if (revocation !== undefined && revocation.askedAt === undefined) {
        await revoke(revocation, deployment);
      }
    },
    findings,
    faults: [],
  };
  try {
    await allReady(members);
    await loadAndStrike(round);
    await quieten(round);
    findings.push(...(await findWrongs(round)));
    if (revocation !== undefined) {
      findings.push(...(await findTrespasses(sql, round.ledger, revocation)));
    }
    return await report(round);
  } finally {
    await Promise.all(members.map((member) => member.stop()));
    await sql.end();
    await redis?.stop();
    await runStatement(options.postgres.urlOf("postgres"), `DROP DATABASE ${name} WITH (FORCE)`);
  }
}

/** By turns, so that both settings are tested. */
function whenQueueDown({ seed }: RoundOptions): "error" | "sync" {
  return seed % 2 === 0 ? "error" : "sync";
}

function deploymentOf(options: RoundOptions, databaseUrl: string, redisUrl: string | undefined): Deployment {
  const env = {
    PORT: "0",
    DATABASE_URL: databaseUrl,
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
    POWERCRUD_REDIS_KEY_PREFIX: KEY_PREFIX,
    POWERCRUD_BACKEND: options.backend,
    POWERCRUD_WHEN_QUEUE_DOWN: whenQueueDown(options),
    POWERCRUD_LEASE_MS: String(LEASE_MS),
    POWERCRUD_CHUNK_RECORDS: "500",
    POWERCRUD_LOG_LEVEL: "warn",
  };
  return options.signedUsers === undefined
    ? { env }
    : { env: { ...env, POWERCRUD_AUTH: "required" }, projectDir: GUARDED_PROJECT };
}

function deploy(deployment: Deployment, onFinding: (finding: string) => void): readonly Member[] {
  return [
    ...Array.from({ length: SERVER_COUNT }, () => startMember("serve", deployment, onFinding)),
    ...Array.from({ length: WORKER_COUNT }, () => startMember("work", deployment, onFinding)),
  ];
}

async function loadAndStrike(round: Round): Promise<void> {
  const { options, sql, redis, members, ledger, moments } = round;
  const plan = makePlan(options.seed, options.backend, options.cycles);
  const { rows } = await sql.query<{ id: number }>("SELECT id FROM city ORDER BY id");
  const ending = new AbortController();
  const users = runUsers({
    plan,
    ledger,
    users: options.signedUsers ?? Array.from({ length: USER_COUNT }, () => ANYBODY),
    revocation: round.revocation,
    moments,
    whenQueueDown: whenQueueDown(options),
    signal: ending.signal,
    cityIds: rows.map(({ id }) => id),
    servers: members.filter(({ role }) => role === "serve"),
    isSettled: (taskId) => isSettled(sql, taskId),
  });
  const targets = { members, postgres: options.postgres, redis, leaseMs: LEASE_MS, moments };
  try {
    await Promise.race([strikeInTurn(round, targets, plan.faults).then(() => untilEnough(round)), users]);
  } finally {
    ending.abort();
    await users;
  }
}

/** After the last fault the users go on until enough records have changed; a slow machine needs longer. */
async function untilEnough({ sql, revocation }: Round): Promise<void> {
  const look = async (): Promise<true | undefined> => {
    const { rows } = await sql.query<{ sum: number }>(
      `SELECT coalesce(sum(succeeded), 0)::integer AS sum FROM powercrud.task
       WHERE finished_at IS NOT NULL AND label NOT LIKE '%+0'`,
    );
    return (rows[0]?.sum ?? 0) >= ENOUGH_INCREMENTS ? true : undefined;
  };
  await pollUntil(look, READY_MS, `${ENOUGH_INCREMENTS} increments`);
  if (revocation !== undefined) {
    const isHeeded = async (): Promise<true | undefined> => (revocation.refusals > 0 ? true : undefined);
    await pollUntil(isHeeded, READY_MS, "a refusal of the user whose key has ended");
  }
}

/** Faults may strike during a pause. Each fault waits until a few tasks have ended since the one before. */
async function strikeInTurn(round: Round, targets: Targets, faults: readonly FaultPlan[]): Promise<void> {
  const end = Date.now() + round.options.maxMs;
  const pauses: Promise<void>[] = [];
  for (const [at, fault] of faults.entries()) {
    await untilBusy(round, end);
    await delay(fault.afterMs);
    if (Date.now() > end) {
      break;
    }
    if (at === Math.floor(faults.length / 2)) {
      pauses.push(round.revoke());
    }
    round.faults.push(`${new Date().toISOString().slice(11, -1)} ${fault.kind}`);
    const struck = strike(targets, fault);
    if (fault.kind.startsWith("PAUSE")) {
      pauses.push(struck);
    } else {
      await struck;
    }
  }
  // On a slow machine the time was over before half of the faults.
  await Promise.all([...pauses, round.revoke()]);
}

/** Waits for an API, two workers, and a few tasks that ended since the last fault. */
async function untilBusy({ sql, members }: Round, end: number): Promise<void> {
  const settledCount = async (): Promise<number> => {
    const { rows } = await sql.query<{ count: number }>(
      "SELECT count(*)::integer AS count FROM powercrud.task WHERE finished_at IS NOT NULL",
    );
    return rows[0]?.count ?? 0;
  };
  const before = await pollUntil(settledCount, READY_MS, "an answer of PostgreSQL");
  const readyCount = (role: Member["role"]): number =>
    members.filter((member) => member.role === role && member.ready() !== undefined).length;
  await pollUntil(
    async () =>
      Date.now() > end ||
      (readyCount("serve") >= 1 &&
        readyCount("work") >= 2 &&
        (await settledCount()) >= before + SETTLED_BETWEEN)
        ? true
        : undefined,
    READY_MS,
    "some work between two faults",
    () => settledRecords(sql),
  ).catch(async (error: unknown) => {
    const { rows } = await sql.query(
      "SELECT label, status, attempt, created_by, age(now(), created_at)::text FROM powercrud.task WHERE finished_at IS NULL",
    );
    const state = { serve: readyCount("serve"), work: readyCount("work"), unsettled: rows };
    throw new Error(`${String(error)}: ${JSON.stringify(state)}`, { cause: error });
  });
}

/** After the last fault: waits until every process is back, every task settled, and every lock released. */
async function quieten({ sql, members, findings }: Round): Promise<void> {
  const tell = (error: unknown): void => void findings.push(String(error));
  await allReady(members).catch(tell);
  // A launch goes on after its client has left. A drained API has answered all of them.
  await Promise.all(members.filter(({ role }) => role === "serve").map((member) => member.drain()));
  await allReady(members).catch(tell);
  const isQuiet = async (): Promise<true | undefined> => {
    const { rowCount } = await sql.query(
      "SELECT FROM powercrud.task WHERE finished_at IS NULL OR cleaned_at IS NULL LIMIT 1",
    );
    return rowCount === 0 ? true : undefined;
  };
  await pollUntil(isQuiet, SETTLE_MS, "the end of all tasks", () => settledRecords(sql)).catch(tell);
  let left: readonly string[] = [];
  const isFree = async (): Promise<true | undefined> => {
    left = await findLeftLocks(sql);
    return left.length === 0 ? true : undefined;
  };
  await pollUntil(isFree, READY_MS / 4, "the end of all locks").catch(() => void findings.push(...left));
}

/** How many records tasks have written or given up. */
async function settledRecords(sql: Pool): Promise<string | undefined> {
  const { rows } = await sql.query<{ sum: string }>(
    "SELECT coalesce(sum(succeeded + failed + skipped), 0)::text AS sum FROM powercrud.task",
  );
  return rows[0]?.sum;
}

function allReady(members: readonly Member[]): Promise<true> {
  return pollUntil(
    async () => (members.every((member) => member.ready() !== undefined) ? true : undefined),
    READY_MS,
    "the start of every process",
  );
}

async function isSettled(sql: Pool, taskId: string): Promise<boolean> {
  const { rowCount } = await sql.query(
    "SELECT FROM powercrud.task WHERE id = $1 AND finished_at IS NOT NULL",
    [taskId],
  );
  return rowCount === 1;
}

async function report({ sql, ledger, findings, faults }: Round): Promise<RoundReport> {
  const { rows } = await sql.query<{ status: string; count: number; attempts: number }>(
    "SELECT status, count(*)::integer AS count, sum(attempt)::integer AS attempts FROM powercrud.task GROUP BY status",
  );
  const kinds = await sql.query<{ kind: string; count: number; shared: number }>(
    `SELECT kind, count(*)::integer AS count, count(*) FILTER (WHERE total >= $1)::integer AS shared
     FROM powercrud.task WHERE succeeded > 0 GROUP BY kind`,
    [MIN_SHARED_RECORDS],
  );
  const increments = await sql.query<{ count: number }>(
    "SELECT count(*)::integer AS count FROM chaos.applied WHERE increment > 0",
  );
  return {
    findings,
    tasksByStatus: Object.fromEntries(rows.map(({ status, count }) => [status, count])),
    tasksByKind: Object.fromEntries(kinds.rows.map(({ kind, count }) => [kind, count])),
    sharedCount: kinds.rows.reduce((sum, { shared }) => sum + shared, 0),
    attemptCount: rows.reduce((sum, { attempts }) => sum + attempts, 0),
    incrementCount: increments.rows[0]?.count ?? 0,
    faults,
    answers: Object.fromEntries([...ledger.answers].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

import { once, type EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import type { PostgresServer } from "../support/postgres-server.ts";
import type { ChaosRedis } from "./chaos-redis.ts";
import type { FaultKind, FaultPlan } from "./chaos-plan.ts";
import type { Member } from "./member.ts";

/** The targets of faults. */
export interface Targets {
  readonly members: readonly Member[];
  readonly postgres: PostgresServer;
  /** Only with the Redis backend. */
  readonly redis: ChaosRedis | undefined;
  readonly leaseMs: number;
  /** Emits `launch` with the server that is about to receive one. */
  readonly moments: EventEmitter;
}

/** The usual time of a launch from its request to its commit and the queue, in ms. */
const LAUNCH_MS = 80;

/** Longer than a command to Redis waits for its answer, in ms. */
const REDIS_OUTAGE_MS = 4000;

/** Carries out one fault. Resolves when it is over, but does not wait for processes that restart. */
export function strike(targets: Targets, fault: FaultPlan): Promise<void> {
  return STRIKES[fault.kind](targets, fault);
}

const STRIKES: Readonly<Record<FaultKind, (targets: Targets, fault: FaultPlan) => Promise<void>>> = {
  KILL_WORKER: async (targets, fault) => void pick(targets, "work", fault)?.kill(),
  KILL_SERVER: killInLaunch,
  PAUSE_WORKER: (targets, fault) => pause(targets, "work", fault),
  PAUSE_SERVER: (targets, fault) => pause(targets, "serve", fault),
  DRAIN_WORKER: async (targets, fault) => pick(targets, "work", fault)?.drain(),
  DRAIN_SERVER: async (targets, fault) => pick(targets, "serve", fault)?.drain(),
  POSTGRES_FAST: ({ postgres }) => postgres.restart("fast"),
  POSTGRES_IMMEDIATE: ({ postgres }) => postgres.restart("immediate"),
  REDIS_FLUSHED: async ({ redis }) => redis?.flush(),
  REDIS_KEPT: async ({ redis }) => redis?.crash("DATA"),
  REDIS_LOST: async ({ redis }) => redis?.crash("NOTHING"),
  REDIS_STOPPED: async ({ redis }, { beyondMs }) => redis?.stopFor(REDIS_OUTAGE_MS + beyondMs),
  REDIS_PAUSED: async ({ redis }, { beyondMs }) => redis?.pauseFor(REDIS_OUTAGE_MS + beyondMs),
  REDIS_RESTORED: async ({ redis }, { beyondMs }) => redis?.restoreAfter(beyondMs),
};

function pick({ members }: Targets, role: Member["role"], { member }: FaultPlan): Member | undefined {
  const ready = members.filter((one) => one.role === role && one.ready() !== undefined);
  return ready[member % Math.max(1, ready.length)];
}

/** Somewhere between the request and the answer: before the commit, after it, or after the queue has the task. */
async function killInLaunch(targets: Targets, { beyondMs }: FaultPlan): Promise<void> {
  const [server] = (await once(targets.moments, "launch")) as [Member];
  await delay(beyondMs % LAUNCH_MS);
  server.kill();
}

/** Pauses a worker past its lease, so that others take over its tasks. Then it continues as if it still had them. */
async function pause(targets: Targets, role: Member["role"], fault: FaultPlan): Promise<void> {
  const resume = pick(targets, role, fault)?.pause();
  await delay(targets.leaseMs + fault.beyondMs);
  resume?.();
}

import { hostname } from "node:os";
import type { AppError } from "../kernel/app-error.ts";
import type { Service } from "../kernel/service.ts";
import type { ProcessRole } from "../core/processes/process-register.ts";
import type { SweepOptions } from "../core/sweeper/sweep.ts";
import { createAnnouncer } from "../worker/create-announcer.ts";
import { createSweeper } from "../worker/create-sweeper.ts";
import { createWorker } from "../worker/create-worker.ts";
import type { Config } from "../config/config.ts";
import type { Engine } from "./create-engine.ts";

/** How long a launch may take from its commit to the queue before the sweeper helps, in ms. */
const ENQUEUE_GRACE_MS = 2000;
/** How long a task may wait in the queue before it is enqueued once more, should its delivery be lost, in ms. */
const BEGIN_GRACE_MS = 5000;
/** How long a settled task may take until it is cleaned before the sweeper helps, in ms. */
const CLEAN_GRACE_MS = 2000;

/** What a sweep believes, by the configuration. */
export function sweepOptionsOf({
  leaseMs,
  taskRetentionMs,
}: Pick<Config, "leaseMs" | "taskRetentionMs">): SweepOptions {
  return {
    enqueueGraceMs: ENQUEUE_GRACE_MS,
    beginGraceMs: BEGIN_GRACE_MS,
    leaseMs,
    cleanGraceMs: CLEAN_GRACE_MS,
    retentionMs: taskRetentionMs,
  };
}

/**
 * What runs on in a process, whatever is asked of it: its announcements, its worker if it works, and the sweeper.
 * @param onMoved see PowerCrudOptions
 */
export function createWorkers(
  engine: Engine,
  config: Config,
  role: ProcessRole,
  onMoved?: (error: AppError) => void,
): readonly Service[] {
  const { ports, deployment } = engine;
  const { processes, backend } = deployment;
  const { clock, logger, workerId } = ports;
  const concurrency = role === "serve" ? 0 : config.workerConcurrency;
  const announced = {
    id: workerId,
    role,
    backend: backend.name,
    host: hostname(),
    pid: process.pid,
    concurrency,
    startedAt: clock.now(),
  };
  return [
    createAnnouncer({
      register: processes,
      process: announced,
      silenceMs: config.leaseMs,
      clock,
      followTime: () => deployment.followTime(),
      logger,
      onMoved,
    }),
    ...(concurrency > 0 ? [createWorker({ ...ports, concurrency })] : []),
    createSweeper(ports, {
      ...sweepOptionsOf(config),
      intervalMs: Math.max(250, Math.ceil(config.leaseMs / 2)),
    }),
  ];
}

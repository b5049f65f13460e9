import { hostname } from "node:os";
import type { Service } from "../kernel/service.ts";
import type { ProcessRole } from "../core/processes/process-register.ts";
import type { SweepOptions } from "../core/sweeper/sweep.ts";
import { createAnnouncer } from "../worker/create-announcer.ts";
import type { SweeperOptions } from "../worker/create-sweeper.ts";
import { createSweeper } from "../worker/create-sweeper.ts";
import { createWorker } from "../worker/create-worker.ts";
import { createNotificationSender } from "../worker/create-notification-sender.ts";
import type { Config } from "../config/config.ts";
import type { Engine } from "./engine.ts";
import type { NotifyChannels } from "./notify-channels.ts";
import type { Deployment } from "./open-deployment.ts";

/** The time from a launch's commit to the queue before the sweeper enqueues the task, in ms. */
const ENQUEUE_GRACE_MS = 2000;
/** The time that a task waits in the queue before it is enqueued again, in case its delivery was lost, in ms. */
const BEGIN_GRACE_MS = 5000;
/** The time from a task's settlement before the sweeper cleans up after it, in ms. */
const CLEAN_GRACE_MS = 2000;

/** The sweeper's options, from the config. */
export function sweepOptionsOf(
  {
    leaseMs,
    taskRetentionMs,
    exportRetentionMs,
  }: Pick<Config, "leaseMs" | "taskRetentionMs" | "exportRetentionMs">,
  { backend, processes, ports: { clock } }: Pick<Deployment, "backend" | "processes" | "ports">,
): SweepOptions {
  return {
    enqueueGraceMs: ENQUEUE_GRACE_MS,
    beginGraceMs: BEGIN_GRACE_MS,
    async isQueueRead() {
      const listed = await processes.list(new Date(clock.now().getTime() - leaseMs));
      return listed.some(({ backend: name, concurrency }) => name === backend.name && concurrency > 0);
    },
    leaseMs,
    cleanGraceMs: CLEAN_GRACE_MS,
    retentionMs: taskRetentionMs,
    fileRetentionMs: exportRetentionMs,
  };
}

/** The background services of a process: the announcer, the sweeper and, unless the process only serves, the worker and the sender. */
export function createWorkers(
  engine: Engine,
  config: Config,
  role: ProcessRole,
  channels: NotifyChannels & Pick<SweeperOptions, "onSwept">,
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
    kinds: ports.definitions.kinds,
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
    }),
    ...(concurrency > 0
      ? [createSender(engine, config, channels), createWorker({ ...ports, concurrency })]
      : []),
    createSweeper(ports, {
      ...sweepOptionsOf(config, deployment),
      ...(channels.onSwept === undefined ? {} : { onSwept: channels.onSwept }),
      chore: `sweep:${backend.name}`,
      intervalMs: Math.max(250, Math.ceil(config.leaseMs / 2)),
    }),
  ];
}

function createSender({ ports }: Engine, config: Config, channels: NotifyChannels): Service {
  const notifiers = channels.createNotifiers(ports.clock);
  const sender = createNotificationSender(
    { ...ports, statusPageOf: channels.statusPageOf, notifiers },
    { timeoutMs: config.notifyTimeoutMs, maxTries: config.notifyMaxTries, leaseMs: config.leaseMs },
  );
  return {
    ...sender,
    async stop() {
      await sender.stop();
      Object.values(notifiers).forEach((notifier) => notifier.close());
    },
  };
}

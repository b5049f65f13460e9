import { examineBus, examineNotifications } from "../core/health/examinations.ts";
import { examineQueue } from "../core/health/examinations.ts";
import type { Examination, HealthCheck } from "../core/health/health-check.ts";
import type { Health, HealthPorts } from "../core/health/read-health.ts";
import { readHealth } from "../core/health/read-health.ts";
import { runExaminations } from "../core/health/health-check.ts";
import type { Config } from "../config/config.ts";
import { examineDatabase, examineMigrations } from "./examinations.ts";
import type { MigratedProject } from "./migrations.ts";
import type { Deployment } from "./open-deployment.ts";

/** Reads the health of the deployment. Callers at the same time share one answer. */
export interface HealthReader {
  /** Examines everything. */
  read(): Promise<Health>;
  /**
   * Examines only the database, which everything needs. Without Redis, records are still read and written, and launches are
   * handled as POWERCRUD_WHEN_QUEUE_DOWN says, so the process must stay in service.
   */
  readVital(): Promise<readonly HealthCheck[]>;
}

/** The options of {@link createHealth}. */
export interface HealthOptions {
  readonly deployment: Deployment;
  readonly config: Config;
  /** If undefined, only the engine's own migrations are checked. */
  readonly project: MigratedProject | undefined;
}

export function createHealth({ deployment, config, project }: HealthOptions): HealthReader {
  const migrations = examineMigrations(deployment.session, project);
  const ports = healthPortsOf(deployment, config, [...deployment.examinations, migrations]);
  const vital = [examineDatabase(deployment.session)];
  return {
    read: shareRuns(() => readHealth(ports)),
    readVital: shareRuns(() => runExaminations(ports, vital)),
  };
}

/** The ports for a deployment's health. @param examinations beside those of the queue and the bus */
export function healthPortsOf(
  { ports: { clock, logger, queue, bus, outbox }, backend, processes, ready }: Deployment,
  { isAsyncEnabled, leaseMs }: Pick<Config, "isAsyncEnabled" | "leaseMs">,
  examinations: readonly Examination[],
): HealthPorts {
  return {
    clock,
    logger,
    backend,
    processes,
    isReachable: () =>
      ready().then(
        () => true,
        () => false,
      ),
    examinations: [
      ...examinations,
      examineQueue(queue),
      examineBus(bus, clock),
      examineNotifications(outbox),
    ],
    isAsyncEnabled,
    silenceMs: leaseMs,
  };
}

/** Callers during a run share its result. */
function shareRuns<Result>(run: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined;
  return () =>
    (running ??= run().finally(() => {
      running = undefined;
    }));
}

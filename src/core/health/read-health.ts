import type { SeenProcess } from "../processes/process-register.ts";
import type { BackendChoice, BackendPorts } from "./examinations.ts";
import { countWorkers, describeWorkers, examineBackend } from "./examinations.ts";
import type { Examination, ExaminationPorts, HealthCheck } from "./health-check.ts";
import { runExaminations } from "./health-check.ts";

/** The health of a deployment, as one of its processes sees it. */
export interface Health {
  /** Whether no check FAILED. */
  readonly isHealthy: boolean;
  readonly backend: BackendChoice;
  readonly checks: readonly HealthCheck[];
  /** Processes that run tasks. */
  readonly workersAlive: number;
  /** The processes that announced themselves lately, in the order in which they started. */
  readonly processes: readonly SeenProcess[];
}

/** What reading the health needs. */
export interface HealthPorts extends ExaminationPorts, BackendPorts {
  /** What is examined beside the backend and the workers. */
  readonly examinations: readonly Examination[];
  readonly isAsyncEnabled: boolean;
  /** A process that is silent for longer counts as gone, in ms. */
  readonly silenceMs: number;
}

/** Runs all examinations side by side. Never rejects: what cannot be reached is a finding. */
export async function readHealth(ports: HealthPorts): Promise<Health> {
  const { clock, backend, processes: register, isAsyncEnabled } = ports;
  const silentSince = (): Date => new Date(clock.now().getTime() - ports.silenceMs);
  let processes: readonly SeenProcess[] = [];
  const workers: Examination = {
    name: "workers",
    async examine() {
      processes = await register.list(silentSince());
      return describeWorkers(processes, isAsyncEnabled);
    },
  };
  const checks = await runExaminations(ports, [
    ...ports.examinations,
    examineBackend(ports, silentSince),
    workers,
  ]);
  return { isHealthy: isHealthy(checks), backend, checks, workersAlive: countWorkers(processes), processes };
}

/** Whether no check FAILED. */
export function isHealthy(checks: readonly HealthCheck[]): boolean {
  return checks.every(({ status }) => status !== "FAILED");
}

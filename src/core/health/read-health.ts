import type { SeenProcess } from "../processes/process-register.ts";
import type { BackendChoice, BackendPorts } from "./examine-backend.ts";
import { examineBackend } from "./examine-backend.ts";
import { countWorkers, describeWorkers } from "./describe-workers.ts";
import type { Examination, HealthCheck } from "./health-check.ts";
import type { ExaminationPorts } from "./run-examinations.ts";
import { runExaminations } from "./run-examinations.ts";

/** How a deployment fares, as one of its processes sees it. */
export interface Health {
  /** Whether no check FAILED. */
  readonly isHealthy: boolean;
  readonly backend: BackendChoice;
  readonly checks: readonly HealthCheck[];
  /** Processes that run tasks, on the deployment's backend. */
  readonly workersAlive: number;
  /** Those that were heard of lately, in the order in which they started. */
  readonly processes: readonly SeenProcess[];
}

/** What health is read with. */
export interface HealthPorts extends ExaminationPorts, BackendPorts {
  /** What is examined beside the backend and the workers. */
  readonly examinations: readonly Examination[];
  readonly isAsyncEnabled: boolean;
  /** After so long without a word a process counts as gone, in ms. */
  readonly silenceMs: number;
}

/** Examines everything, side by side. Never rejects: what is out of reach is a finding. */
export async function readHealth(ports: HealthPorts): Promise<Health> {
  const { clock, backend, processes: register, isAsyncEnabled } = ports;
  const silentSince = (): Date => new Date(clock.now().getTime() - ports.silenceMs);
  let processes: readonly SeenProcess[] = [];
  let workersAlive = 0;
  const workers: Examination = {
    name: "workers",
    async examine() {
      const [current, listed] = await Promise.all([register.backend(), register.list(silentSince())]);
      processes = listed;
      // Those of another backend read a queue that nobody fills.
      const belonging = listed.filter((process) => process.backend === current);
      workersAlive = countWorkers(belonging);
      return describeWorkers(belonging, isAsyncEnabled);
    },
  };
  const checks = await runExaminations(ports, [
    ...ports.examinations,
    examineBackend(ports, silentSince),
    workers,
  ]);
  return { isHealthy: isHealthy(checks), backend, checks, workersAlive, processes };
}

/** Whether none of them FAILED. */
export function isHealthy(checks: readonly HealthCheck[]): boolean {
  return checks.every(({ status }) => status !== "FAILED");
}

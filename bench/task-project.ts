import { setTimeout as delay } from "node:timers/promises";
import project from "../powercrud.config.ts";
import { defineTask } from "../src/core/tasks/define-task.ts";
import type { PowerCrud, PowerCrudOptions } from "../src/compose/create-powercrud.ts";
import { createPowerCrud } from "../src/compose/create-powercrud.ts";
import type { BackendName } from "../src/core/processes/process-register.ts";
import type { BenchStores } from "./bench-stores.ts";

/** Time that a task of the kind `wait` waits for nothing, as for another service, in ms. */
export const WAIT_MS = 400;

/** What a process of the task bench needs to know. */
export interface TaskProcess {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly backend: BackendName;
  readonly role: NonNullable<PowerCrudOptions["role"]>;
  readonly workerConcurrency: number;
}

/** The demo with two tasks: one does nothing, the other waits. */
export function openTaskProject({
  databaseUrl,
  backend,
  redisUrl,
  role,
  workerConcurrency,
}: TaskProcess): Promise<PowerCrud> {
  const tasks = [
    defineTask({ kind: "nothing", run: async () => undefined }),
    defineTask({ kind: "wait", run: () => delay(WAIT_MS) }),
  ];
  return createPowerCrud({
    config: { ...project, tasks },
    databaseUrl,
    role,
    settings: { backend, workerConcurrency, ...(backend === "redis" ? { redisUrl } : {}) },
  });
}

/** The process' addresses of the stores. */
export function storesOf(
  stores: BenchStores,
  backend: BackendName,
): Pick<TaskProcess, "databaseUrl" | "redisUrl" | "backend"> {
  return { databaseUrl: stores.databaseUrl(backend), redisUrl: stores.redisUrl, backend };
}

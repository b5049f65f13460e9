import { counted } from "../../kernel/counted.ts";
import { createId } from "../../kernel/ids.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { Outbox } from "../notifications/outbox.ts";
import type { BackendName, ProcessRegister, RunningProcess } from "../processes/process-register.ts";
import { usualBackend } from "../processes/process-register.ts";
import type { TaskQueue } from "../tasks/task-queue.ts";
import type { Examination, Finding } from "./health-check.ts";

const TOPIC = "health";

/** The backend that this process chose. */
export interface BackendChoice {
  readonly name: BackendName;
  /** In words, as a sentence. */
  readonly reason: string;
  /** True: Redis was wanted, and could not be reached. */
  readonly isFallback?: boolean;
}

/** What examining the backend needs. */
export interface BackendPorts {
  readonly backend: BackendChoice;
  readonly processes: Pick<ProcessRegister, "list">;
  /** Whether the backend can be reached now. */
  readonly isReachable: () => Promise<boolean>;
}

/**
 * Whether the backend can be reached, and whether all processes have the same. A process with another queue than the
 * rest works, too: the others enqueue its tasks again, later.
 * @param silentSince processes that were silent since then do not count
 */
export function examineBackend(
  { backend: choice, processes, isReachable }: BackendPorts,
  silentSince: () => Date,
): Examination {
  return {
    name: "backend",
    async examine() {
      const said = `${choice.name}: ${choice.reason}`;
      if (!(await isReachable())) {
        return { status: "FAILED", message: `${said} It cannot be reached now.` };
      }
      const strays = describeStrays(await processes.list(silentSince()), choice.name);
      const isFine = strays.length === 0 && choice.isFallback !== true;
      return { status: isFine ? "OK" : "WARNING", message: [said, ...strays].join(" ") };
    },
  };
}

/**
 * One sentence for each process with another queue than the rest; without any, one if this process differs, which is
 * not listed.
 */
function describeStrays(listed: readonly RunningProcess[], own: BackendName): readonly string[] {
  const usual = usualBackend(listed);
  if (usual === undefined) {
    return [];
  }
  const remedy = usual === "redis" ? "POWERCRUD_BACKEND=redis and REDIS_URL" : "POWERCRUD_BACKEND=postgres";
  const strays = listed.filter(({ backend }) => backend !== usual);
  if (strays.length === 0) {
    return own === usual ? [] : [`The processes of the deployment use ${usual}: set ${remedy} here, too.`];
  }
  return strays.map(
    ({ id, role, backend }) =>
      `Process ${id} (${role}) has its queue in ${backend}, the others in ${usual}, so what it launches begins late: ` +
      `set ${remedy} for it, and restart it.`,
  );
}

/** Whether a worker is alive to run tasks. */
export function describeWorkers(processes: readonly RunningProcess[], isAsyncEnabled: boolean): Finding {
  const count = countWorkers(processes);
  if (count > 0) {
    return { status: "OK", message: count === 1 ? "1 worker is alive." : `${count} workers are alive.` };
  }
  if (!isAsyncEnabled) {
    return { status: "OK", message: "None is needed: async is disabled, so tasks run in their requests." };
  }
  return processes.length === 0
    ? { status: "WARNING", message: "No process of the deployment runs." }
    : {
        status: "FAILED",
        message: "No worker is alive, so tasks stay in the queue. Start one: powercrud work.",
      };
}

/** How many of the processes run tasks. */
export function countWorkers(processes: readonly RunningProcess[]): number {
  return processes.filter(({ concurrency }) => concurrency > 0).length;
}

/** Whether the queue can be read. Leaves nothing in it. */
export function examineQueue(queue: Pick<TaskQueue, "count">): Examination {
  return {
    name: "queue",
    async examine() {
      const count = await queue.count();
      return { status: "OK", message: count === 1 ? "1 task waits in it." : `${count} tasks wait in it.` };
    },
  };
}

/** Whether notifications were given up. */
export function examineNotifications(outbox: Pick<Outbox, "countDead">): Examination {
  return {
    name: "notifications",
    async examine() {
      const count = await outbox.countDead({});
      return count === 0
        ? { status: "OK", message: "None was given up." }
        : {
            status: "WARNING",
            message: `${counted(count, "notification")} could not be sent. See them: powercrud notifications.`,
          };
    },
  };
}

/** Whether a message arrives: published and received over the connections that announcements take. */
export function examineBus(bus: EventBus, clock: Clock): Examination {
  return {
    name: "bus",
    async examine(signal) {
      const message = createId(clock.now());
      let arrived = (): void => undefined;
      const arrival = new Promise<void>((resolve) => (arrived = resolve));
      const unsubscribe = await bus.subscribe(TOPIC, {
        onMessage: (received) => received === message && arrived(),
        onGap: () => undefined,
      });
      try {
        await bus.publish(TOPIC, message);
        await Promise.race([arrival, aborted(signal)]);
      } finally {
        await unsubscribe();
      }
      return { status: "OK", message: "A message came back." };
    },
  };
}

/** Resolves when the wait for the finding is over. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    }
    signal.addEventListener("abort", () => resolve());
  });
}

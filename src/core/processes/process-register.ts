/** What a process of a deployment does: API and worker, only one of them. */
export type ProcessRole = "start" | "serve" | "work";

/** Where queue and messages are. */
export type BackendName = "postgres" | "redis";

/** A process that serves or works. */
export interface RunningProcess {
  /** Host, process id and a random part; a worker begins its attempts under it. */
  readonly id: string;
  readonly role: ProcessRole;
  readonly backend: BackendName;
  readonly host: string;
  readonly pid: number;
  /** How many tasks it runs at a time; 0 for one that only serves. */
  readonly concurrency: number;
  /** The kinds of tasks that it knows. */
  readonly kinds: readonly string[];
  readonly startedAt: Date;
}

/** A process, and when it last announced itself. */
export interface SeenProcess extends RunningProcess {
  readonly seenAt: Date;
}

/** The processes of a deployment. Each is known to the others as long as it announces itself. */
export interface ProcessRegister {
  /**
   * Announces a process for the first time.
   * @param silentSince processes that were silent since then are forgotten
   */
  enlist(process: RunningProcess, at: Date, silentSince: Date): Promise<void>;
  /** Announces it again; one that was forgotten meanwhile is known again. */
  announce(process: RunningProcess, at: Date): Promise<void>;
  /** Forgets a process that ends. An unknown id does nothing. */
  withdraw(id: string): Promise<void>;
  /** The processes that announced themselves since then, in the order in which they started. */
  list(seenSince: Date): Promise<readonly SeenProcess[]>;
}

/**
 * The backend that the deployment's tasks are run from: the one of most workers, then of most processes. Redis where
 * both are used alike; undefined without processes.
 */
export function usualBackend(processes: readonly RunningProcess[]): BackendName | undefined {
  const workers = processes.filter(({ concurrency }) => concurrency > 0);
  const counted = workers.length > 0 ? workers : processes;
  if (counted.length === 0) {
    return undefined;
  }
  const onRedis = counted.filter(({ backend }) => backend === "redis").length;
  return onRedis * 2 >= counted.length ? "redis" : "postgres";
}

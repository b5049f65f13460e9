/** What a process of a deployment does: API and worker, only one of them. */
export type ProcessRole = "start" | "serve" | "work";

/** Where locks, queue and messages are. */
export type BackendName = "postgres" | "redis";

/** A process that serves or works. */
export interface RunningProcess {
  /** Host, process id and a random part; a worker's attempts are begun under it. */
  readonly id: string;
  readonly role: ProcessRole;
  readonly backend: BackendName;
  readonly host: string;
  readonly pid: number;
  /** How many tasks it runs at a time; 0 for one that only serves. */
  readonly concurrency: number;
  readonly startedAt: Date;
}

/** One that was heard of. */
export interface SeenProcess extends RunningProcess {
  readonly seenAt: Date;
}

/** The processes of a deployment, known to each other as long as they announce themselves. */
export interface ProcessRegister {
  /**
   * Announces a process for the first time, and settles on its backend for the deployment.
   * @param silentSince processes not heard of since then do not count any more
   * @throws AppError START_FAILED when others that were heard of use another backend: two of them would each grant the
   *   same records
   */
  enlist(process: RunningProcess, at: Date, silentSince: Date): Promise<void>;
  /** Announces it again; one that was forgotten meanwhile is remembered. */
  announce(process: RunningProcess, at: Date): Promise<void>;
  /** Where the deployment keeps its locks: what the last process to move them wanted. */
  backend(): Promise<BackendName>;
  /** It ends. Unknown ones are no matter. */
  withdraw(id: string): Promise<void>;
  /** Those heard of since, in the order in which they started. */
  list(seenSince: Date): Promise<readonly SeenProcess[]>;
}

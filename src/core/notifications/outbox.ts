import type { ListWindow } from "../../kernel/list-window.ts";
import type { SentChannel } from "../tasks/notify.ts";

/** A row of the outbox: a notification that is to be sent, or could not be. */
export interface OutboxRow {
  readonly id: string;
  readonly taskId: string;
  readonly channel: SentChannel;
  readonly target: string;
  readonly createdAt: Date;
  readonly tries: number;
  readonly lastError: string | null;
}

/** How one try ended. */
export type TryResult =
  | { readonly kind: "SENT"; readonly at: Date }
  /** To be tried again. */
  | { readonly kind: "POSTPONED"; readonly until: Date; readonly error: string }
  | { readonly kind: "DEAD"; readonly error: string };

/** Which dead notifications. */
export interface DeadQuery {
  /** Only those of tasks that this viewer launched; null for tasks of anonymous viewers. Default: all. */
  readonly launchedBy?: string | null;
}

/**
 * The notifications that processes send. The settlement of a task writes them, in its own transaction (see
 * TaskAttempts.settle); they are deleted with their task.
 */
export interface Outbox {
  /**
   * Takes PENDING ones that are due at `at`, the earliest first: each is another try, and nobody else takes it before
   * `until`. Several calls at once take different ones, and none waits.
   */
  take(request: {
    readonly at: Date;
    readonly until: Date;
    readonly limit: number;
  }): Promise<readonly OutboxRow[]>;
  /** Notes how a try ended. Nothing, when another try has begun since. */
  conclude(row: Pick<OutboxRow, "id" | "tries">, result: TryResult): Promise<void>;
  /** When the next PENDING one is due, or is to be taken from a process that died; undefined without any. */
  nextDue(): Promise<Date | undefined>;
  /** The oldest first. Places are ids. */
  listDead(query: DeadQuery & ListWindow<string>): Promise<readonly OutboxRow[]>;
  countDead(query: DeadQuery): Promise<number>;
  /**
   * Makes dead ones PENDING, due at `at`, with all their tries before them.
   * @param ids undefined for all
   * @returns their ids
   */
  revive(
    query: DeadQuery & { readonly ids?: readonly string[]; readonly at: Date },
  ): Promise<readonly string[]>;
}

import { AppError, isAppError } from "../../../kernel/app-error.ts";
import type { FailureLog } from "../../../kernel/logger.ts";
import { createFailureLog, errorFields } from "../../../kernel/logger.ts";
import { NO_COUNTS } from "../progress.ts";
import type { RunningAttempts } from "../run/running-attempts.ts";
import type { Ending } from "../settle/ending.ts";
import { cancelledEnd } from "../settle/ending.ts";
import type { SettlePorts } from "../settle/settle-task.ts";
import { settleTask } from "../settle/settle-task.ts";
import type { Attempt } from "../task-attempts.ts";
import type { Task } from "../task.ts";

/** Records that this process keeps others from changing, until it releases them. */
export interface Reservation {
  /** Id of the task that conflicts name. */
  readonly id: string;
  readonly task: Task;
  /**
   * Aborts when the reservation is lost: cancelled, out of touch with the database for as long as its lease, or released
   * because the process stops. Its reason is an AppError.
   */
  readonly signal: AbortSignal;
  /**
   * Frees the records. Again, it does nothing and answers the same.
   * @returns whether they were held until now: false once the reservation is lost
   * @throws AppError UNAVAILABLE when the database cannot be reached; the records are still reserved then
   */
  release(): Promise<boolean>;
}

/** What holding needs. */
export interface HoldPorts extends SettlePorts {
  readonly runningAttempts: Pick<RunningAttempts, "add">;
  /** How long an attempt may be silent before the sweeper acts. */
  readonly leaseMs: number;
  /** Sets the clock by the database's. */
  readonly followTime: () => Promise<void>;
}

const RELEASED: Ending = { status: "SUCCEEDED", message: "Released.", result: null, counts: NO_COUNTS };

/** A holder that has been cut off for this share of its lease counts as lost, before the sweeper can act. */
const LOST_AFTER = 0.9;

/** A reservation as its process keeps it: renews the lease until it is released or lost. */
export class HeldReservation implements Reservation {
  readonly task: Task;
  readonly #ports: HoldPorts;
  readonly #attempt: number;
  readonly #leaseMs: number;
  readonly #lost = new AbortController();
  readonly #failures: FailureLog;
  /** What ends with the reservation. */
  readonly #ends: (() => void)[];
  #renewedAt: number;
  #releasing: Promise<boolean> | undefined;

  /**
   * @param leaseMs how long the sweeper is to wait for a silent process
   * @param onEnd called once the reservation is released or lost
   */
  constructor(ports: HoldPorts, { task, number }: Attempt, leaseMs: number, onEnd: () => void) {
    this.task = task;
    this.#ports = ports;
    this.#attempt = number;
    this.#leaseMs = leaseMs;
    this.#failures = createFailureLog(ports.logger, "renewing a reservation");
    this.#renewedAt = ports.clock.now().getTime();
    this.#ends = [
      onEnd,
      ports.clock.every(Math.ceil(leaseMs / 3), () => this.#keep()),
      ports.runningAttempts.add(task.id, { stop: (reason) => this.#stop(reason) }),
    ];
    if (leaseMs !== ports.leaseMs) {
      // So far the sweeper counts the service's own lease.
      void this.#renew();
    }
  }

  get id(): string {
    return this.task.id;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  async release(): Promise<boolean> {
    if (this.#lost.signal.aborted) {
      return false;
    }
    this.#releasing ??= this.#settle(RELEASED);
    try {
      const isReleased = await this.#releasing;
      this.#leave();
      return isReleased;
    } catch (error) {
      this.#releasing = undefined;
      throw error;
    }
  }

  /** Tells the holder, and releases the records, because the process stops. Never rejects. */
  async giveBack(): Promise<void> {
    const releasing = this.release();
    this.#lost.abort(
      new AppError("UNAVAILABLE", `The process stops, so reservation ${this.id} is released.`),
    );
    await releasing.catch((error: unknown) => this.#leaveToSweeper(error));
    this.#leave();
  }

  #keep(): void {
    const silentMs = this.#ports.clock.now().getTime() - this.#renewedAt;
    if (silentMs >= this.#leaseMs * LOST_AFTER) {
      this.#lose(new AppError("UNAVAILABLE", `Reservation ${this.id} could not be renewed in time.`));
    } else {
      void this.#renew();
    }
  }

  async #renew(): Promise<void> {
    const { clock, tasks, leaseMs, followTime } = this.#ports;
    try {
      await followTime();
      const now = clock.now().getTime();
      // The sweeper counts the service's own lease from here.
      const at = new Date(now + this.#leaseMs - leaseMs);
      const beat = await tasks.heartbeat({ taskId: this.id, attempt: this.#attempt, at });
      this.#failures.worked();
      if (this.#releasing !== undefined || this.#lost.signal.aborted) {
        return;
      }
      if (!beat.isCurrent) {
        this.#lose(new AppError("ATTEMPT_FENCED", `Reservation ${this.id} has ended.`));
      } else if (beat.isCancelRequested) {
        await this.#cancel();
      } else {
        this.#renewedAt = now;
      }
    } catch (error) {
      this.#failures.failed(error, { taskId: this.id });
    }
  }

  #stop(reason: AppError): void {
    // A process that hands its tasks over gives its reservations back by itself.
    if (isAppError(reason, "CANCELLED")) {
      void this.#cancel();
    }
  }

  async #cancel(): Promise<void> {
    this.#lose(new AppError("CANCELLED", `Reservation ${this.id} was cancelled.`));
    await this.#settle(cancelledEnd(null, NO_COUNTS)).catch((error: unknown) => this.#leaveToSweeper(error));
  }

  #lose(reason: AppError): void {
    this.#leave();
    this.#lost.abort(reason);
  }

  #leave(): void {
    this.#ends.splice(0).forEach((end) => end());
  }

  async #settle(settle: Ending): Promise<boolean> {
    const { id: taskId, task } = this;
    const request = { taskId, kind: task.kind, attempt: this.#attempt, total: null, settle };
    return (await settleTask(this.#ports, request)) !== undefined;
  }

  #leaveToSweeper(error: unknown): void {
    this.#ports.logger.warn(
      { ...errorFields(error), taskId: this.id },
      "a reservation was left for the sweeper",
    );
  }
}

import { createId } from "../../kernel/ids.ts";
import { createFailureLog } from "../../kernel/logger.ts";
import { counted } from "../../kernel/counted.ts";
import { encodeAnnouncement, TASK_TOPIC } from "../events/task-announcement.ts";
import { NO_COUNTS, progressOf } from "../tasks/progress.ts";
import type { FileHead } from "./file-rows.ts";
import type { Received, Receiver, StagedPage } from "./import-store.ts";
import type { ImportPorts, Upload } from "./import-ports.ts";

/** How often a receiver looks whether its task was cancelled, and says how much has come, at most in ms. */
const BEAT_MS = 1000;
/** The least time between two announcements, in ms. */
const ANNOUNCE_MS = 200;

/** A task that is being received. */
export interface ReceivingLease {
  /** Keeps rows, and notes that they have come. @throws AppError CANCELLED once the task has ended */
  stage(page: StagedPage, rejected: number): Promise<void>;
  noteHead(head: FileHead): Promise<void>;
  received(): Received;
  /** Whether the task has ended, such as by a request to cancel it. */
  hasEnded(): boolean;
  /** Ends the heartbeats. Resolves once the one under way has ended. */
  end(): Promise<void>;
}

/** Takes the task for this upload, and renews the lease as long as it goes on. @returns undefined where the task waits for none */
export async function keepReceiver(ports: ImportPorts, upload: Upload): Promise<ReceivingLease | undefined> {
  const { imports, clock, leaseMs } = ports;
  const { taskId } = upload;
  const receiver = createId(clock.now());
  const now = (): Receiver => ({
    taskId,
    receiver,
    aliveUntil: new Date(clock.now().getTime() + leaseMs),
  });
  if (!(await imports.take(now()))) {
    return undefined;
  }
  const failures = createFailureLog(ports.logger, "a heartbeat of an import");
  const announce = announcer(ports, taskId);
  let staged = { rows: 0, rejected: 0 };
  let hasEnded = false;
  let beating: Promise<void> | undefined;
  const received = (): Received => ({ bytes: upload.countReceived(), ...staged });
  const end = (): void => {
    hasEnded = true;
    upload.stop();
  };
  const beat = async (): Promise<void> => {
    try {
      if (!(await imports.renew(now(), received()))) {
        end();
      }
      failures.worked();
    } catch (error) {
      failures.failed(error);
    }
    announce(received());
  };
  const stop = clock.every(Math.min(BEAT_MS, leaseMs / 3), () => {
    beating ??= beat().finally(() => {
      beating = undefined;
    });
  });
  return {
    async stage(page, rejected) {
      const next = { rows: page.firstRow + page.rows.length, rejected };
      if (!(await imports.stage(now(), page, { bytes: upload.countReceived(), ...next }))) {
        end();
        // Whatever comes of it is thrown by the bytes.
        return;
      }
      staged = next;
      announce(received());
    },
    noteHead: (head) => imports.noteHead(now(), head),
    received,
    hasEnded: () => hasEnded,
    async end() {
      stop();
      await beating;
    },
  };
}

/** Tells subscribers how much has come. Whoever misses it sees it with the next. */
function announcer({ bus, clock, logger }: ImportPorts, taskId: string): (received: Received) => void {
  let last = 0;
  return ({ bytes, rows }) => {
    const at = clock.now();
    if (at.getTime() - last < ANNOUNCE_MS) {
      return;
    }
    last = at.getTime();
    const message = `${counted(rows, "row")} (${bytes} bytes) have come.`;
    const progress = progressOf(null, NO_COUNTS, { message });
    const announcement = { kind: "PROGRESS", taskId, attempt: 0, at: at.toISOString(), progress } as const;
    bus.publish(TASK_TOPIC, encodeAnnouncement(announcement)).catch((error: unknown) => {
      logger.debug({ err: error, taskId }, "the progress of an import could not be announced");
    });
  };
}

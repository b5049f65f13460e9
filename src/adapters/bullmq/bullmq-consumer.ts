import { setTimeout as delay } from "node:timers/promises";
import type { BackendClasses, IQueueBackend } from "bullmq";
import type { Logger } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";
import { createService } from "../../kernel/service.ts";
import type { QueuedTask } from "../../core/tasks/task-queue.ts";
import { createOutageLog } from "./outage-log.ts";

/** The connection of a consumer. */
export interface ConsumerConnection<Connection> {
  readonly connection: Connection;
  /** Whether the start waits for the connection. False for one that retries for ever, which a stop would wait for, too. */
  readonly isAwaited: boolean;
  /** Whether the connection seems to be up. */
  isUp(): boolean;
  /** Closes what BullMQ does not close itself. */
  close(): void;
}

export interface BullmqConsumerOptions<Backend extends IQueueBackend, Connection> {
  readonly classes: BackendClasses<Backend, Connection>;
  readonly queueName: string;
  /** BullMQ's prefix of its keys. */
  readonly prefix: string | undefined;
  readonly open: () => ConsumerConnection<Connection>;
  readonly concurrency: number;
  readonly work: (task: QueuedTask) => Promise<void>;
  readonly logger: Logger;
}

/** Closing BullMQ takes milliseconds, or for ever without a connection. */
const CLOSE_GRACE_MS = 2_000;

/** Takes jobs while it runs. Its stop takes no new jobs, and waits for running work, even without a connection. */
export function createBullmqConsumer<Backend extends IQueueBackend, Connection>(
  options: BullmqConsumerOptions<Backend, Connection>,
): Service {
  const running = new Set<Promise<void>>();
  const untilIdle = async (): Promise<void> => {
    while (running.size > 0) {
      await Promise.all(running);
    }
  };
  // Opened by the start: a consumer that never starts need not be stopped.
  let open: { readonly worker: StartedWorker; readonly source: ConsumerConnection<Connection> } | undefined;
  return createService({
    name: "task queue consumer",
    async start() {
      const source = options.open();
      const worker = createWorker(options, source.connection, running);
      open = { worker, source };
      if (source.isAwaited) {
        await worker.waitUntilReady();
      }
      worker
        .run()
        .catch((error: unknown) => options.logger.error({ err: error }, "the queue's consumer ended"));
    },
    async stop() {
      if (open === undefined) {
        return;
      }
      // Without a connection, only a forced close returns. It does not wait for running work, so untilIdle() does.
      const closing = open.worker.close(!open.source.isUp());
      await untilIdle();
      await Promise.race([closing, delay(CLOSE_GRACE_MS, undefined, { ref: false })]);
      open.source.close();
    },
  });
}

/** The part of BullMQ's worker that is used here. */
interface StartedWorker {
  waitUntilReady(): Promise<void>;
  run(): Promise<void>;
  close(force: boolean): Promise<void>;
}

function createWorker<Backend extends IQueueBackend, Connection>(
  options: BullmqConsumerOptions<Backend, Connection>,
  connection: Connection,
  running: Set<Promise<void>>,
): StartedWorker {
  const { logger, prefix } = options;
  const run = async (task: QueuedTask): Promise<void> => {
    try {
      await options.work(task);
    } catch (error) {
      logger.error({ err: error, taskId: task.id }, "an attempt could not be run");
    }
  };
  const worker = new options.classes.Worker<QueuedTask>(
    options.queueName,
    async (job) => {
      const work = run(job.data);
      running.add(work);
      await work;
      running.delete(work);
    },
    {
      connection,
      ...(prefix === undefined ? {} : { prefix }),
      concurrency: options.concurrency,
      autorun: false,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  const outages = createOutageLog(logger, "the queue's consumer met an error");
  worker.on("error", (error) => outages.report(error));
  worker.on("active", () => outages.reset());
  return worker;
}

import { setImmediate } from "node:timers/promises";
import { createMemoryEventBus } from "../support/memory/memory-event-bus.ts";
import { createMemoryEventLog } from "../support/memory/memory-event-log.ts";
import { createMemoryTaskQueue } from "../support/memory/memory-task-queue.ts";
import { createMemoryTaskStore } from "../support/memory/memory-task-store.ts";
import { createMemoryUnitOfWork } from "../support/memory/memory-unit-of-work.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import type { World } from "./world.ts";

export async function createMemoryWorld(): Promise<World> {
  const logger = createSilentLogger();
  const tasks = createMemoryTaskStore();
  const bus = createMemoryEventBus({ logger });
  const queue = createMemoryTaskQueue({ logger });
  return {
    unitOfWork: createMemoryUnitOfWork({ logger }),
    tasks,
    log: createMemoryEventLog(),
    bus,
    queue,
    async finishChunk(transaction, taskId, number, counts) {
      await tasks.finishChunk(transaction, taskId, number, counts);
    },
    // By then, everything in this process that can go on has done so.
    untilWaiting: () => setImmediate(),
    async close() {
      await queue.close();
      await bus.close();
    },
  };
}

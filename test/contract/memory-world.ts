import { setImmediate } from "node:timers/promises";
import { createMemoryEventBus } from "../../src/adapters/memory/memory-event-bus.ts";
import { createMemoryEventLog } from "../../src/adapters/memory/memory-event-log.ts";
import { createMemoryLockStore } from "../../src/adapters/memory/memory-lock-store.ts";
import { createMemoryTaskQueue } from "../../src/adapters/memory/memory-task-queue.ts";
import { createMemoryTaskStore } from "../../src/adapters/memory/memory-task-store.ts";
import { createMemoryUnitOfWork } from "../../src/adapters/memory/memory-unit-of-work.ts";
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
    locks: createMemoryLockStore(),
    bus,
    queue,
    async finishChunk(transaction, taskId, number, counts) {
      await tasks.finishChunk(transaction, taskId, number, counts);
    },
    // Whatever can go on in this process has done so by then.
    untilWaiting: () => setImmediate(),
    async close() {
      await queue.close();
      await bus.close();
    },
  };
}

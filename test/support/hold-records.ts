import type { Pool } from "pg";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createPgUnitOfWork } from "../../src/adapters/postgres/connection/pg-unit-of-work.ts";
import { createPostgresLockStore } from "../../src/adapters/postgres/locks/postgres-lock-store.ts";
import { createPostgresTaskStore } from "../../src/adapters/postgres/tasks/postgres-task-store.ts";
import type { Claim } from "../../src/core/locks/claim.ts";
import type { Task } from "../../src/core/tasks/task.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { sampleTask } from "../contract/sample-task.ts";

/** Longer than any test. */
const LEASE_MS = 3_600_000;

/** A task that holds records until they are released. */
export interface Holder {
  readonly task: Task;
  release(): Promise<void>;
}

/**
 * Makes a task that holds the records.
 * @param isBegun makes another process seem to run the task, so that no worker or sweeper here takes it
 */
export async function holdRecords(
  pool: Pool,
  claims: readonly Claim[],
  { isBegun = false }: { readonly isBegun?: boolean } = {},
): Promise<Holder> {
  const session = createPgSession(pool);
  const unitOfWork = createPgUnitOfWork({ pool, logger: createSilentLogger() });
  const tasks = createPostgresTaskStore({ session });
  const locks = createPostgresLockStore({ session });
  const task = sampleTask({ model: claims[0]?.model ?? null, total: 10 });
  await unitOfWork.run(async (transaction) => {
    await tasks.create(transaction, task);
    const result = await locks.acquire(transaction, task.id, claims);
    if (result.kind !== "GRANTED") {
      throw new Error("the records are held by another task");
    }
    if (isBegun) {
      const at = new Date(Date.now() + LEASE_MS);
      await tasks.beginAttempt(transaction, { taskId: task.id, expectedAttempt: 0, workerId: "another", at });
    }
  });
  const stored = (await tasks.find([task.id])).get(task.id);
  return {
    task: stored as Task,
    release: () => unitOfWork.run((transaction) => locks.release(transaction, task.id)),
  };
}

import { expect, it } from "vitest";
import type { ChunkWork, ChunkWriter } from "../../../../src/core/bulk/chunk-writer.ts";
import { announceChunks } from "../../../../src/core/bulk/announced-writes.ts";
import type { RecordAnnouncement } from "../../../../src/core/events/record-announcement.ts";
import type { Claim } from "../../../../src/core/locks/claim.ts";
import type { LockStore } from "../../../../src/core/locks/lock-store.ts";
import { announceLocks, announceSteps } from "../../../../src/core/tasks/settle/announced-locks.ts";
import type { QuickSteps } from "../../../../src/core/tasks/settle/quick-steps.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";
import { createMemoryUnitOfWork } from "../../../support/memory/memory-unit-of-work.ts";
import { modelOf, scalar } from "../../../support/model-fixture.ts";

const OWNER = "owner";
const CLAIMS: readonly Claim[] = [{ model: "City", ids: ["1"] }];
const WORK = {
  operation: "UPDATE",
  change: {},
  model: modelOf("City", [scalar("id", "Int", { isKey: true })]),
  scope: undefined,
  taskId: OWNER,
  attempt: 1,
} satisfies ChunkWork;

/** Locks, steps and a chunk writer that note what is read for listeners. */
function announced(isHeard: boolean, succeeded = 1) {
  const reads: string[] = [];
  const sent: RecordAnnouncement[] = [];
  const announcer = {
    isHeard: () => isHeard,
    send: async (announcements: readonly RecordAnnouncement[]) => void sent.push(...announcements),
    sendGaps: () => Promise.resolve(),
  };
  const locks = {
    acquire: async () => ({ kind: "GRANTED" }),
    acquireWaiting: async () => ({ kind: "GRANTED" }),
    release: () => Promise.resolve(),
    async heldBy() {
      reads.push("held");
      return CLAIMS;
    },
  } as unknown as LockStore;
  const steps = {
    launch: async () => true,
    settle: async () => ({ hadLocks: true }),
  } as unknown as QuickSteps;
  const chunks = {
    writeNextChunk: async () => ({
      kind: "WRITTEN",
      number: 3,
      counts: { succeeded, failed: 0, skipped: 0 },
    }),
    writeAllChunks: async () => ({ kind: "WRITTEN" }),
    async listWritten() {
      reads.push("written");
      return ["1"];
    },
  } as unknown as ChunkWriter;
  return {
    reads,
    sent,
    locks: announceLocks(locks, announcer),
    steps: announceSteps(steps, locks, announcer),
    chunks: announceChunks(chunks, announcer),
  };
}

/** Everything that a task does which listeners hear of. */
async function doAll({ locks, steps, chunks }: ReturnType<typeof announced>): Promise<void> {
  const unitOfWork = createMemoryUnitOfWork({ logger: createSilentLogger() });
  await unitOfWork.run(async (transaction) => {
    await locks.acquire(transaction, OWNER, CLAIMS);
    await locks.acquireWaiting(transaction, OWNER);
    await locks.release(transaction, OWNER);
  });
  await steps.launch({ id: OWNER } as never, {} as never, CLAIMS);
  await chunks.writeNextChunk(WORK);
  await chunks.writeAllChunks(WORK, {} as never);
  await steps.settle({ taskId: OWNER } as never);
}

it("reads and sends nothing while nobody listens", async () => {
  const parts = announced(false);
  await doAll(parts);
  expect([parts.reads, parts.sent]).toEqual([[], []]);
});

it("reads what is held and written, and tells it, while somebody does", async () => {
  const parts = announced(true);
  await doAll(parts);
  expect(parts.reads).toEqual(["held", "held", "written", "written", "held"]);
  expect(parts.sent.map(({ type, ids }) => [type, ids])).toEqual([
    ["LOCKED", ["1"]],
    ["LOCKED", ["1"]],
    ["RELEASED", ["1"]],
    ["LOCKED", ["1"]],
    ["UPDATED", ["1"]],
    ["UPDATED", ["1"]],
    ["RELEASED", ["1"]],
  ]);
});

it("tells nothing of a transaction that is rolled back, and reads no ids of a chunk that is too large to name", async () => {
  const { locks, chunks, sent, reads } = announced(true, 101);
  const unitOfWork = createMemoryUnitOfWork({ logger: createSilentLogger() });
  const rolledBack = unitOfWork.run(async (transaction) => {
    await locks.acquire(transaction, OWNER, CLAIMS);
    throw new Error("rolled back");
  });
  await expect(rolledBack).rejects.toThrow("rolled back");
  await chunks.writeNextChunk(WORK);
  expect(reads).toEqual([]);
  expect(sent).toMatchObject([{ type: "UPDATED", ids: "all", taskId: OWNER }]);
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { untilWaiting } from "../../support/until-waiting.ts";
import type { Answer, ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";

const ALL = Array.from({ length: 12 }, (_, at) => at + 1);

let service: ServiceFixture;

beforeEach(async () => {
  service = await createServiceFixture();
});
afterEach(() => service.stop());

async function cancel(id: string): Promise<Answer> {
  const { cancelTask } = await service.data(
    `mutation ($id: ID!) { cancelTask(id: $id) {
      __typename
      ... on CancelAccepted { task { id status message canCancel cancelRequestedAt blockedBy { id } } }
      ... on Error { code message }
      ... on TaskSettledError { task { id status } } } }`,
    { id },
  );
  return cancelTask;
}

async function changed(): Promise<string[]> {
  return Object.entries(await service.notes()).flatMap(([id, notes]) => (notes === null ? [] : [id]));
}

describe("cancelling", () => {
  test("a queued task settles it at once, releases its records, and no worker begins it", async () => {
    const id = await service.launched([1, 2, 3], "cancelled");
    expect(await cancel(id)).toMatchObject({
      __typename: "CancelAccepted",
      task: {
        id,
        status: "CANCELLED",
        message: "Cancelled: 0 of 3 records were dealt with, 3 were left as they were.",
        canCancel: false,
      },
    });
    const second = await service.launched([1, 2, 3], "second");
    await service.startWorker();
    expect(await service.settled(second)).toMatchObject({ status: "SUCCEEDED" });
    expect(await service.settled(id)).toMatchObject({ status: "CANCELLED", attempt: 0 });
    expect(await service.notes()).toMatchObject({ 1: "second", 2: "second", 3: "second" });
  });

  test("a waiting task takes it out of the line", async () => {
    const holder = await service.launched([1], "holder");
    const waiting = await service.launched([1, 2], "waiting", { onConflict: "WAIT" });
    const next = await service.note([2], "next", { onConflict: "WAIT" });
    expect(next.task).toMatchObject({ status: "WAITING", blockedBy: { id: waiting, status: "WAITING" } });
    expect(await cancel(waiting)).toMatchObject({
      __typename: "CancelAccepted",
      task: { id: waiting, status: "CANCELLED", canCancel: false, blockedBy: null },
    });
    await service.startWorker();
    expect(await service.settled(next.task.id)).toMatchObject({ status: "SUCCEEDED" });
    expect(await service.settled(holder)).toMatchObject({ status: "SUCCEEDED" });
    expect(await service.notes()).toMatchObject({ 1: "holder", 2: "next" });
  });

  test("a task in another process stops it between chunks, and reports what was done", async () => {
    await service.startWorker();
    // Chunks are of two records, and two are written at a time.
    const release = await service.holdRows([1, 3]);
    const id = await service.launched(ALL, "done", { errorPolicy: "SKIP_FAILED" });
    await untilWaiting(service, { count: 2 });
    const first = await cancel(id);
    expect(first).toMatchObject({
      __typename: "CancelAccepted",
      task: { id, status: "RUNNING", canCancel: false, cancelRequestedAt: expect.any(String) },
    });
    expect(await cancel(id)).toEqual(first);
    await release();
    const { status, message, progress } = await service.settled(id);
    expect(status).toBe("CANCELLED");
    expect(progress.total).toBe(12);
    // At most the two chunks that were being written.
    expect(progress.processed).toBeLessThanOrEqual(4);
    expect(await changed()).toHaveLength(progress.succeeded);
    expect(message).toBe(
      `Cancelled: ${progress.processed} of 12 records were dealt with, ${12 - progress.processed} were left as they were.`,
    );
    expect(await service.data(`{ recordLocks(model: City, ids: ["1"]) { recordId } }`)).toEqual({
      recordLocks: [],
    });
  });

  test("ALL_OR_NOTHING in another process leaves nothing of it", async () => {
    await service.startWorker();
    const release = await service.holdRows([12]);
    const id = await service.launched(ALL, "done");
    await untilWaiting(service, { count: 1 });
    expect(await cancel(id)).toMatchObject({ __typename: "CancelAccepted", task: { status: "RUNNING" } });
    await release();
    expect(await service.settled(id)).toMatchObject({ status: "CANCELLED", progress: { succeeded: 0 } });
    expect(await changed()).toEqual([]);
  });

  test("a settled task is refused with the task", async () => {
    await service.startWorker();
    const id = await service.launched([1], "done");
    await service.settled(id);
    expect(await cancel(id)).toEqual({
      __typename: "TaskSettledError",
      code: "TASK_SETTLED",
      message: `Task ${id} is SUCCEEDED already; there is nothing left to cancel.`,
      task: { id, status: "SUCCEEDED" },
    });
  });

  test.each(["0195f8f0-0000-7000-8000-00000000000a", "nonsense"])("%s finds no task", async (id) => {
    expect(await cancel(id)).toEqual({
      __typename: "NotFoundError",
      code: "NOT_FOUND",
      message: `There is no task ${id}.`,
    });
  });
});

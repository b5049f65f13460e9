import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { untilWaiting } from "../../support/until-waiting.ts";
import type { Answer, ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";

const ALL = Array.from({ length: 12 }, (_, at) => at + 1);
const SHOWN = `id status canPause canResume pausedBy pausedAt pauseRequestedAt`;

let service: ServiceFixture;

beforeAll(async () => {
  service = await createServiceFixture();
});
afterAll(() => service.stop());

async function ask(verb: "pauseTask" | "resumeTask", id: string): Promise<Answer> {
  const answer = await service.data(
    `mutation ($id: ID!) { ${verb}(id: $id) {
      __typename
      ... on PauseAccepted { task { ${SHOWN} } }
      ... on ResumeAccepted { task { ${SHOWN} } }
      ... on Error { code message }
      ... on TaskNotPausableError { task { blockedBy { id status } } }
      ... on TaskNotPausedError { task { status } }
      ... on TaskSettledError { task { status } } } }`.replace(
      verb === "pauseTask"
        ? /.*(ResumeAccepted|TaskNotPausedError).*\n/g
        : /.*(PauseAccepted|TaskNotPausableError).*\n/g,
      "",
    ),
    { id },
    { id: "ada" },
  );
  return answer[verb];
}

describe("pausing", () => {
  test("a queued task is PAUSED at once: its records stay locked, no worker begins it, and tasks behind it wait", async () => {
    const id = await service.launched([1, 2, 3], "paused");
    expect(await ask("resumeTask", id)).toMatchObject({
      __typename: "TaskNotPausedError",
      code: "TASK_NOT_PAUSED",
      message: `Task ${id} is PENDING, not paused.`,
      task: { status: "PENDING" },
    });
    const paused = {
      id,
      status: "PAUSED",
      canPause: false,
      canResume: true,
      pausedBy: "ada",
      pausedAt: expect.any(String),
      pauseRequestedAt: expect.any(String),
    };
    expect(await ask("pauseTask", id)).toEqual({ __typename: "PauseAccepted", task: paused });
    const { city } = await service.data(`{ city(id: "1") { activeTask { ${SHOWN} } } }`);
    expect(city).toEqual({ activeTask: paused });
    const waiting = await service.launched([3], "behind", { onConflict: "WAIT" });
    expect(await ask("pauseTask", waiting)).toMatchObject({
      __typename: "TaskNotPausableError",
      code: "TASK_NOT_PAUSABLE",
      task: { blockedBy: { id, status: "PAUSED" } },
    });
    await service.startWorker();
    const other = await service.launched([5], "other");
    expect(await service.settled(other)).toMatchObject({ status: "SUCCEEDED" });
    expect(await service.notes()).toMatchObject({ 1: null, 3: null, 5: "other" });

    expect(await ask("resumeTask", id)).toMatchObject({
      __typename: "ResumeAccepted",
      task: { id, canResume: false, pausedAt: null, pausedBy: null },
    });
    expect(await service.settled(id)).toMatchObject({ status: "SUCCEEDED" });
    expect(await service.settled(waiting)).toMatchObject({ status: "SUCCEEDED" });
    expect(await service.notes()).toMatchObject({ 1: "paused", 3: "behind" });
    expect(await ask("pauseTask", id)).toMatchObject({
      __typename: "TaskSettledError",
      message: `Task ${id} is SUCCEEDED already; there is nothing left to pause.`,
      task: { status: "SUCCEEDED" },
    });
    expect(await ask("resumeTask", id)).toMatchObject({ __typename: "TaskSettledError" });
  });

  test("a task in another process stops between chunks, and goes on there when it is resumed here", async () => {
    // Chunks are of two records, and two are written at a time.
    const release = await service.holdRows([1, 3]);
    const id = await service.launched(ALL, "done", { errorPolicy: "SKIP_FAILED" });
    await untilWaiting(service, { count: 2 });
    expect(await ask("pauseTask", id)).toMatchObject({
      task: { status: "RUNNING", canPause: false, canResume: true, pausedAt: null },
    });
    await release();
    const read = async () =>
      (await service.data(`{ task(id: "${id}") { status progress { processed } } }`)).task;
    await expect.poll(read).toMatchObject({ status: "PAUSED" });
    const { progress } = await read();
    expect(progress.processed).toBeLessThanOrEqual(4);
    const [refused] = Object.values(
      await service.data(`mutation { updateCity(id: "12", data: { notes: "no" }) {
        __typename ... on ConflictError { conflicts { heldBy { id status } } } } }`),
    );
    expect(refused).toEqual({
      __typename: "ConflictError",
      conflicts: [{ heldBy: { id, status: "PAUSED" } }],
    });
    await ask("resumeTask", id);
    expect(await service.settled(id)).toMatchObject({ status: "SUCCEEDED", attempt: 2 });
    expect(new Set(Object.values(await service.notes()))).toEqual(new Set(["done"]));
  });

  test.each(["pauseTask", "resumeTask"] as const)("%s finds no task that is not there", async (verb) => {
    for (const id of ["0195f8f0-0000-7000-8000-00000000000a", "nonsense"]) {
      expect(await ask(verb, id)).toEqual({
        __typename: "NotFoundError",
        code: "NOT_FOUND",
        message: `There is no task ${id}.`,
      });
    }
  });
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Answer, ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";

const TASK = `id kind status label isDryRun canRetry message
  progress { total succeeded failed skipped } retryOf { id } retries { id status }`;

const RAISE = `mutation ($ids: [ID!], $by: Int!, $options: BulkOptions) {
  bulkUpdateCities(selection: {ids: $ids}, data: {population: {increment: $by}}, options: $options) {
    __typename ... on TaskLaunched { isDuplicate task { ${TASK} } } ... on Error { code message } } }`;

const RETRY = `mutation ($id: ID!, $records: RetryRecords, $options: BulkOptions) {
  retryTask(id: $id, records: $records, options: $options) {
    __typename ... on TaskLaunched { isDuplicate task { ${TASK} } } ... on Error { code message }
    ... on ValidationError { problems { field } } ... on LimitError { limit matched } } }`;

let service: ServiceFixture;

beforeEach(async () => {
  service = await createServiceFixture();
  await service.query("ALTER TABLE city ADD CONSTRAINT small CHECK (population <= 1000)");
  await service.query("UPDATE city SET population = 1000 WHERE id IN (3, 4)");
});
afterEach(() => service.stop());

async function raise(ids: readonly number[], options: Record<string, unknown> = {}, by = 5): Promise<Answer> {
  const variables = { ids: ids.map(String), by, options };
  return (await service.data(RAISE, variables)).bulkUpdateCities;
}

async function retry(id: string, rest: Record<string, unknown> = {}): Promise<Answer> {
  return (await service.data(RETRY, { id, ...rest })).retryTask;
}

async function populations(): Promise<unknown> {
  const rows = await service.query("SELECT population FROM city WHERE id < 6 ORDER BY id");
  return rows.map(({ population }) => population);
}

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "SYNC" };

describe("dry runs", () => {
  test("report what would happen to the records, and change nothing", async () => {
    const { task } = await raise([1, 3, 99], { ...SKIP_FAILED, dryRun: true });
    expect(task).toMatchObject({
      status: "PARTIAL",
      isDryRun: true,
      canRetry: false,
      message:
        "Dry run: nothing was changed. Of 3 records 1 would have been written, 1 would have failed, and 1 would have been skipped.",
      progress: { total: 3, succeeded: 1, failed: 1, skipped: 1 },
    });
    expect(await populations()).toEqual([0, 0, 1000, 1000, 0]);
    const { task: errors } = await service.data(
      `{ task(id: "${task.id}") { errors { nodes { recordId outcome code } } } }`,
    );
    expect(errors.errors.nodes).toEqual([
      { recordId: "3", outcome: "FAILED", code: "CONSTRAINT_VIOLATED" },
      { recordId: "99", outcome: "SKIPPED", code: "RECORD_MISSING" },
    ]);
    expect((await raise([1], { mode: "SYNC" })).task).toMatchObject({ isDryRun: false });
  });

  test("are refused with the holder if a record is held", async () => {
    await raise([1], { mode: "ASYNC" });
    expect(await raise([1, 2], { dryRun: true })).toMatchObject({ __typename: "ConflictError" });
  });
});

describe("duplicates", () => {
  test("are answered with the first task, unless the caller allows a second one", async () => {
    const first = await raise([1, 2], { mode: "ASYNC" });
    expect(first).toMatchObject({ __typename: "TaskLaunched", isDuplicate: false });
    expect(await raise([1, 2])).toMatchObject({
      isDuplicate: true,
      task: { id: first.task.id, status: "PENDING" },
    });
    // Naming a default makes no difference.
    expect(await raise([1, 2], { errorPolicy: "ALL_OR_NOTHING" })).toMatchObject({ isDuplicate: true });
    expect(await raise([1, 2], { allowDuplicate: true })).toMatchObject({ code: "CONFLICT" });
    await service.startWorker();
    await service.settled(first.task.id);
    expect(await populations()).toEqual([5, 5, 1000, 1000, 0]);
  });
});

describe("retries", () => {
  test("repeat the failed records, with the first task's policy, and name that task", async () => {
    const first = await raise([1, 3, 4], { ...SKIP_FAILED, label: "raise" });
    expect(first.task).toMatchObject({ status: "PARTIAL", canRetry: true, retryOf: null, retries: [] });
    await service.query("UPDATE city SET population = 0 WHERE id = 3");
    const { task, isDuplicate } = await retry(first.task.id, { options: { mode: "SYNC" } });
    expect(isDuplicate).toBe(false);
    expect(task).toMatchObject({
      kind: "bulkUpdate",
      label: "retry of raise",
      status: "PARTIAL",
      canRetry: true,
      progress: { total: 2, succeeded: 1, failed: 1 },
      retryOf: { id: first.task.id },
    });
    expect(await populations()).toEqual([5, 0, 5, 1000, 0]);
    const again = await retry(first.task.id, {
      records: "FAILED",
      options: { errorPolicy: "ALL_OR_NOTHING" },
    });
    expect(again.task).toMatchObject({ status: "FAILED" });
    const read = await service.data(
      `{ task(id: "${first.task.id}") { retries { id } first: retries(first: 1) { id } } }`,
    );
    expect(read.task.retries).toEqual([{ id: task.id }, { id: again.task.id }]);
    expect(read.task.first).toEqual([{ id: task.id }]);
  });

  test("are refused with the reason", async () => {
    const { task } = await raise([1, 3], SKIP_FAILED);
    expect(await retry(task.id, { records: "UNPROCESSED" })).toEqual({
      __typename: "ValidationError",
      code: "VALIDATION_FAILED",
      message: `Nothing of task ${task.id} can be retried: it reached all of its records.`,
      problems: [{ field: "id" }],
    });
    expect(await retry(task.id, { options: { maxAffected: 0 } })).toMatchObject({
      __typename: "LimitError",
      limit: 0,
      matched: 1,
    });
    const running = await raise([5], { mode: "ASYNC" });
    expect(await retry(running.task.id)).toMatchObject({
      __typename: "ValidationError",
      message: `Task ${running.task.id} is PENDING; only a settled task can be retried.`,
    });
  });

  test.each(["0195f8f0-0000-7000-8000-00000000000a", "nonsense"])("of %s find no task", async (id) => {
    expect(await retry(id)).toEqual({
      __typename: "NotFoundError",
      code: "NOT_FOUND",
      message: `There is no task ${id}.`,
    });
  });
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { untilWaiting } from "../../support/until-waiting.ts";
import type { Answer, ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";

const ALL = Array.from({ length: 12 }, (_, at) => at + 1);
const ANN = { id: "ann" };

let service: ServiceFixture;

beforeEach(async () => {
  service = await createServiceFixture();
});
afterEach(() => service.stop());

/** The cities' holders by id, from the API; free cities are left out. */
async function holders(): Promise<Record<string, string>> {
  const { recordLocks } = await service.data(
    `query ($ids: [ID!]!) { recordLocks(model: City, ids: $ids) { model recordId heldBy { id } } }`,
    { ids: ALL.map(String) },
  );
  return Object.fromEntries(recordLocks.map((lock: Answer) => [lock.recordId, lock.heldBy.id]));
}

async function taskCount(): Promise<number> {
  return (await service.data(`{ tasks { totalCount } }`)).tasks.totalCount;
}

describe("a launch on records that are held", () => {
  test("is refused by default, names records, holder and progress, and leaves no trace", async () => {
    await service.startWorker();
    const release = await service.holdRows([2]);
    const holder = (await service.note([2], "held", {}, ANN)).task.id;
    await untilWaiting(service);
    const refused = await service.note([1, 2, 3], "refused");
    expect(refused).toEqual({
      __typename: "ConflictError",
      code: "CONFLICT",
      message: `City 2 is held by task ${holder} (bulkUpdate, launched by ann, 0 % done). Try again when it has settled.`,
      totalConflicts: 1,
      conflicts: [
        {
          model: "City",
          recordId: "2",
          heldBy: {
            id: holder,
            status: "RUNNING",
            kind: "bulkUpdate",
            createdBy: "ann",
            createdAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/),
            progress: { total: 1, processed: 0, percent: 0 },
          },
        },
      ],
    });
    expect(await holders()).toEqual({ 2: holder });
    expect(await taskCount()).toBe(1);
    await release();
    expect(await service.settled(holder)).toMatchObject({ status: "SUCCEEDED" });
    expect(await service.notes()).toMatchObject({ 1: null, 2: "held", 3: null });
    expect(await holders()).toEqual({});
  });

  test("writes the other records with SKIP, and names those left out with their holders", async () => {
    const holder = await service.launched([2], "held");
    const id = await service.launched([1, 2, 3], "rest", { onConflict: "SKIP" });
    expect(await holders()).toEqual({ 1: id, 2: holder, 3: id });
    await service.startWorker();
    await service.settled(holder);
    await service.settled(id);
    const { task } = await service.data(
      `query ($id: ID!) { task(id: $id) {
        status progress { total succeeded skipped }
        errors { nodes { recordId outcome code message } } } }`,
      { id },
    );
    expect(task).toEqual({
      status: "SUCCEEDED",
      progress: { total: 3, succeeded: 2, skipped: 1 },
      errors: {
        nodes: [
          {
            recordId: "2",
            outcome: "SKIPPED",
            code: "RECORD_LOCKED",
            message: `Task ${holder} holds the record.`,
          },
        ],
      },
    });
    expect(await service.notes()).toMatchObject({ 1: "rest", 2: "held", 3: "rest" });
  });

  test("waits in line with WAIT, first come, first served", async () => {
    const holder = await service.launched([2], "first");
    const second = await service.note([1, 2], "second", { onConflict: "WAIT" });
    expect(second.task).toMatchObject({ status: "WAITING", canCancel: true, blockedBy: { id: holder } });
    const third = await service.note([1, 3], "third", { onConflict: "WAIT" });
    expect(third.task).toMatchObject({ status: "WAITING", blockedBy: { id: second.task.id } });
    // A waiting task holds nothing, but blocks later launches.
    expect(await holders()).toEqual({ 2: holder });
    expect(await service.note([1], "refused")).toMatchObject({
      __typename: "ConflictError",
      message: `City 1 is waited for by task ${second.task.id} (bulkUpdate). Try again when it has settled.`,
      conflicts: [{ recordId: "1", heldBy: { id: second.task.id, status: "WAITING" } }],
    });
    await service.startWorker();
    for (const id of [holder, second.task.id, third.task.id]) {
      expect(await service.settled(id)).toMatchObject({ status: "SUCCEEDED", blockedBy: null });
    }
    expect(await service.notes()).toMatchObject({ 1: "third", 2: "second", 3: "third" });
  });

  test("waits for all of its records with WAIT, and crossing launches do not deadlock", async () => {
    const [a, b] = [await service.launched([1], "a"), await service.launched([2], "b")];
    const crossing = await Promise.all([
      service.launched([1, 2], "x", { onConflict: "WAIT" }),
      service.launched([2, 1], "y", { onConflict: "WAIT" }),
    ]);
    await service.startWorker();
    for (const id of [a, b, ...crossing]) {
      expect(await service.settled(id)).toMatchObject({ status: "SUCCEEDED" });
    }
    const { 1: first, 2: second } = await service.notes();
    expect(first).toBe(second);
  });
});

const REFUSAL = `__typename ... on Error { code message }
  ... on ConflictError { conflicts { model recordId heldBy { id progress { percent } } } }`;

describe("a single write", () => {
  test("of a held record is refused with the holder and its progress; others are free", async () => {
    const id = await service.launched([5], "held");
    const result = await service.data(`mutation {
      update: updateCity(id: "5", data: {population: 1}) { ${REFUSAL} }
      delete: deleteCity(id: "5") { ${REFUSAL} }
      upsert: upsertCity(id: "5", create: {id: 5, name: "x", countryCode: "FR", population: 1, latitude: 0, longitude: 0},
        update: {population: 1}) { ${REFUSAL} }
      free: updateCity(id: "6", data: {population: 1}) { ... on UpdateCityPayload { city { id activeTask { id } } } }
    }`);
    const refused = {
      __typename: "ConflictError",
      code: "CONFLICT",
      message: `City 5 is held by task ${id} (bulkUpdate, 0 % done). Try again when it has settled.`,
      conflicts: [{ model: "City", recordId: "5", heldBy: { id, progress: { percent: 0 } } }],
    };
    expect(result).toEqual({
      update: refused,
      delete: refused,
      upsert: refused,
      free: { city: { id: "6", activeTask: null } },
    });
    const active = async (): Promise<Answer> =>
      await service.data(
        `{ held: city(id: "5") { activeTask { id status } } free: city(id: "6") { activeTask { id } } }`,
      );
    expect(await active()).toEqual({
      held: { activeTask: { id, status: "PENDING" } },
      free: { activeTask: null },
    });
    await service.startWorker();
    await service.settled(id);
    expect(await active()).toEqual({ held: { activeTask: null }, free: { activeTask: null } });
  });

  test("of any record is refused while a task holds the whole model, a create too", async () => {
    const id = await service.launched(ALL, "held");
    const city = `{id: 99, name: "New", countryCode: "FR", population: 1, latitude: 0, longitude: 0}`;
    const whole = {
      __typename: "ConflictError",
      message: `All of City are held by task ${id} (bulkUpdate, 0 % done). Try again when it has settled.`,
      conflicts: [{ model: "City", recordId: null, heldBy: { id } }],
    };
    expect(
      await service.data(`mutation {
        create: createCity(data: ${city}) { ${REFUSAL} }
        update: updateCity(id: "1", data: {population: 1}) { ${REFUSAL} }
        tag: createTag(data: {label: "free"}) { __typename } }`),
    ).toMatchObject({ create: whole, update: whole, tag: { __typename: "CreateTagPayload" } });
    expect(await service.note([1], "refused")).toMatchObject(whole);
    expect(
      await service.query("SELECT count(*)::int AS n FROM city WHERE id = 99 OR population > 0"),
    ).toEqual([{ n: 0 }]);
    expect(Object.values(await holders())).toEqual(ALL.map(() => id));
    await service.startWorker();
    await service.settled(id);
    expect(await service.data(`mutation { createCity(data: ${city}) { __typename } }`)).toEqual({
      createCity: { __typename: "CreateCityPayload" },
    });
  });
});

test("a launch on the whole model is refused while one record is held", async () => {
  const id = await service.launched([7], "held");
  expect(await service.note(ALL, "refused")).toMatchObject({
    __typename: "ConflictError",
    totalConflicts: 1,
    conflicts: [{ recordId: "7", heldBy: { id } }],
  });
  expect(await holders()).toEqual({ 7: id });
});

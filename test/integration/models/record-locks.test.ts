import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AppError } from "../../../src/kernel/app-error.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { insertSampleRecords, TAGS } from "./sample-records.ts";

/** The look-ups, each with its model and number of ids. */
const looks: { readonly owners: string[]; readonly tasks: (readonly string[])[] } = { owners: [], tasks: [] };
let isDown = false;

let api: ModelsFixture;
let held: { readonly task: Task; release(): Promise<void> };

beforeAll(async () => {
  api = await createModelsFixture({
    locks: (real) => ({
      ...real,
      owners(model, ids, scope) {
        looks.owners.push(`${model} ${ids.length}`);
        return isDown
          ? Promise.reject(new AppError("UNAVAILABLE", "The locks cannot be reached."))
          : real.owners(model, ids, scope);
      },
    }),
    tasks: (real) => ({
      ...real,
      find(ids) {
        looks.tasks.push(ids);
        return real.find(ids);
      },
    }),
  });
  await insertSampleRecords(api);
});
afterAll(() => api.stop());

beforeEach(async () => {
  held = await api.hold([
    { model: "City", ids: ["1", "31", "2"] },
    { model: "Country", ids: ["A1"] },
    { model: "Tag", ids: "all" },
  ]);
  looks.owners.length = 0;
  looks.tasks.length = 0;
});
afterEach(() => held.release());

const ACTIVE = "activeTask { id }";

describe("activeTask", () => {
  test("can be selected alone", async () => {
    const activeTask = { id: held.task.id };
    expect(await api.data(`{ city(id: "1") { ${ACTIVE} } tag(id: "${TAGS[0]}") { ${ACTIVE} } }`)).toEqual({
      city: { activeTask },
      tag: { activeTask },
    });
    // City 1 is in country A1.
    expect(await api.data(`{ city(id: "1") { country { ${ACTIVE} } } }`)).toEqual({
      city: { country: { activeTask } },
    });
    expect(
      await api.data(`{ cities(first: 3) { nodes { ${ACTIVE} } edges { node { ${ACTIVE} } } } }`),
    ).toEqual({
      cities: {
        nodes: [{ activeTask }, { activeTask }, { activeTask: null }],
        edges: [{ node: { activeTask } }, { node: { activeTask } }, { node: { activeTask: null } }],
      },
    });
  });

  test("is looked up once per model, locks and tasks alike, at any depth", async () => {
    const { countries } = await api.data(
      `{ countries(first: 30) { nodes {
        ${ACTIVE}
        cities(first: 20) { nodes { ${ACTIVE} tags(first: 10) { nodes { ${ACTIVE} cities(first: 1) { totalCount } } } } } } } }`,
    );
    expect(countries.nodes.filter((node: Answer) => node.activeTask !== null)).toHaveLength(1);
    const cities = countries.nodes.flatMap((node: Answer) => node.cities.nodes);
    expect(cities).toHaveLength(300);
    expect(cities.filter((node: Answer) => node.activeTask?.id === held.task.id)).toHaveLength(3);
    const tags = cities.flatMap((node: Answer) => node.tags.nodes);
    expect(tags.length).toBeGreaterThan(900);
    expect(tags.every((node: Answer) => node.activeTask?.id === held.task.id)).toBe(true);
    expect(looks.owners.toSorted()).toEqual(["City 300", "Country 30", "Tag 6"]);
    // The models' look-ups may finish in any order.
    expect(looks.tasks.length).toBeLessThanOrEqual(3);
    expect(new Set(looks.tasks.flat())).toEqual(new Set([held.task.id]));
  });

  test("is looked up again by each operation, and by each mutation of a document", async () => {
    const busy = { activeTask: { id: held.task.id } };
    expect(await api.data(`{ city(id: "1") { ${ACTIVE} } }`)).toEqual({ city: busy });
    await held.release();
    expect(await api.data(`{ city(id: "1") { ${ACTIVE} } }`)).toEqual({ city: { activeTask: null } });
    const write = `updateCity(id: "3", data: {notes: "x"}) { ... on UpdateCityPayload { city { ${ACTIVE} } } }`;
    looks.owners.length = 0;
    await api.data(`mutation { a: ${write} b: ${write} }`);
    expect(looks.owners).toEqual(["City 1", "City 1"]);
  });

  test("is null when the owner is settled or unknown", async () => {
    await api.query("UPDATE powercrud.task SET status = 'FAILED', finished_at = now() WHERE id = $1", [
      held.task.id,
    ]);
    const none = { city: { activeTask: null }, recordLocks: [] };
    const query = `{ city(id: "1") { ${ACTIVE} } recordLocks(model: City, ids: ["1"]) { recordId } }`;
    expect(await api.data(query)).toEqual(none);
    await api.query("DELETE FROM powercrud.task WHERE id = $1", [held.task.id]);
    expect(await api.data(query)).toEqual(none);
  });

  test("is an error when the locks are unreachable, and the other fields are there", async () => {
    isDown = true;
    try {
      const { data, errors } = await api.execute(`{ city(id: "1") { name ${ACTIVE} } }`);
      expect(data).toEqual({ city: { name: "City 1", activeTask: null } });
      expect(errors?.map(({ message, extensions }) => [message, extensions["code"]])).toEqual([
        ["The locks cannot be reached.", "UNAVAILABLE"],
      ]);
    } finally {
      isDown = false;
    }
  });
});

describe("recordLocks", () => {
  test("returns the held records in the order of the ids, each once, in one look-up", async () => {
    const { recordLocks } = await api.data(
      `{ recordLocks(model: City, ids: ["31", "007", "0031", "-0", "1", "999999"]) { model recordId heldBy { id createdBy } } }`,
    );
    const heldBy = { id: held.task.id, createdBy: "ann" };
    expect(recordLocks).toEqual([
      { model: "City", recordId: "31", heldBy },
      { model: "City", recordId: "1", heldBy },
    ]);
    expect(looks.owners).toEqual(["City 5"]);
    expect(looks.tasks).toEqual([[held.task.id]]);
  });

  test.each([
    ["a malformed id", ["1", "x"], '"x" is not an id of City: expected the text of id Int.'],
    [
      "1,001 ids",
      Array.from({ length: 1001 }, () => "1"),
      "ids can name at most 1000 records, not 1001. Ask for them in parts.",
    ],
  ])("refuses %s", async (_what, ids, message) => {
    expect(
      await api.refused(`query ($ids: [ID!]!) { recordLocks(model: City, ids: $ids) { recordId } }`, { ids }),
    ).toEqual({ message, code: "VALIDATION_FAILED" });
    expect(looks.owners).toEqual([]);
  });
});

test("a page of waiting tasks looks up what they wait for at once", async () => {
  for (let at = 0; at < 3; at += 1) {
    const sample = await api.hold([{ model: "Language", ids: [`l${at}`] }]);
    await api.query("UPDATE powercrud.task SET status = 'WAITING', blocked_by = $2 WHERE id = $1", [
      sample.task.id,
      held.task.id,
    ]);
  }
  const { tasks } = await api.data(
    `{ tasks(where: {statuses: [WAITING]}) { nodes { canCancel cancelRequestedAt blockedBy { id status } } } }`,
  );
  const blockedBy = { id: held.task.id, status: "PENDING" };
  const waiting = { canCancel: true, cancelRequestedAt: null, blockedBy };
  expect(tasks.nodes).toEqual([waiting, waiting, waiting]);
  expect(looks.tasks).toContainEqual([held.task.id]);
  expect(looks.tasks.filter((ids) => ids.includes(held.task.id))).toHaveLength(1);
});

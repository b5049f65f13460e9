import { afterEach, beforeEach, expect, test } from "vitest";
import type { Answer, ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";

let service: ServiceFixture;
let [red, blue] = ["", ""];

beforeEach(async () => {
  service = await createServiceFixture();
  const { a, b } = await service.data(`mutation {
    a: createTag(data: {label: "red", cities: ["1", "2"]}) { ... on CreateTagPayload { tag { id } } }
    b: createTag(data: {label: "blue", cities: ["3"]}) { ... on CreateTagPayload { tag { id } } } }`);
  [red, blue] = [a.tag.id, b.tag.id];
});
afterEach(() => service.stop());

const REFUSAL = `__typename ... on Error { message }
  ... on ConflictError { totalConflicts conflicts { model recordId heldBy { id kind } } }`;
const LAUNCH = `${REFUSAL} ... on TaskLaunched { task { id status blockedBy { id } } }`;

async function mutate(field: string, answer = REFUSAL): Promise<Answer> {
  return (await service.data(`mutation { result: ${field} { ${answer} } }`)).result;
}

function deleteCities(ids: readonly number[], options = ""): Promise<Answer> {
  const selection = `{ids: [${ids.map((id) => `"${id}"`).join(", ")}]}`;
  return mutate(`bulkDeleteCities(selection: ${selection}, options: {mode: ASYNC ${options}})`, LAUNCH);
}

function relabel(tag: string, options = ""): Promise<Answer> {
  return mutate(
    `bulkUpdateTags(selection: {ids: ["${tag}"]}, data: {label: {set: "new"}}, options: {mode: ASYNC ${options}})`,
    LAUNCH,
  );
}

test("a bulk delete is refused while a task holds one of its dependents, and names the task", async () => {
  const holder = (await relabel(red)).task.id;
  expect(await deleteCities([5, 2])).toEqual({
    __typename: "ConflictError",
    message: `Tag ${red} is held by task ${holder} (bulkUpdate, 0 % done). Try again when it has settled.`,
    totalConflicts: 1,
    conflicts: [{ model: "Tag", recordId: red, heldBy: { id: holder, kind: "bulkUpdate" } }],
  });
  expect(await deleteCities([5, 3])).toMatchObject({ __typename: "TaskLaunched" });
  expect(await deleteCities([2, 6], "onConflict: SKIP")).toMatchObject({ __typename: "ConflictError" });
});

test("while it is queued, its dependents can be neither changed nor added to", async () => {
  const holder = (await deleteCities([2])).task.id;
  const conflict = {
    __typename: "ConflictError",
    conflicts: [{ heldBy: { id: holder, kind: "bulkDelete" } }],
  };
  expect(await relabel(red)).toMatchObject(conflict);
  expect(await mutate(`updateTag(id: "${red}", data: {label: "new"})`)).toMatchObject(conflict);
  expect(await mutate(`updateTag(id: "${blue}", data: {cities: {add: ["2"]}})`)).toMatchObject(conflict);
  expect(await mutate(`createTag(data: {label: "green", cities: ["2"]})`)).toMatchObject(conflict);
  expect(await mutate(`updateTag(id: "${blue}", data: {label: "sky"})`)).toMatchObject({
    __typename: "UpdateTagPayload",
  });
  await service.startWorker();
  expect(await service.settled(holder)).toMatchObject({ status: "SUCCEEDED" });
  expect(await service.query(`SELECT count(*)::int AS n FROM "_CityToTag"`)).toEqual([{ n: 2 }]);
  expect(await relabel(red)).toMatchObject({ __typename: "TaskLaunched" });
});

test("a waiting bulk delete includes the records that were linked while it waited", async () => {
  const holder = await service.launched([2], "held");
  const waiting = (await deleteCities([2, 7], "onConflict: WAIT")).task;
  expect(waiting).toMatchObject({ status: "WAITING", blockedBy: { id: holder } });
  expect(await mutate(`updateTag(id: "${blue}", data: {cities: {add: ["7"]}})`)).toMatchObject({
    __typename: "UpdateTagPayload",
  });
  const other = (await relabel(blue)).task.id;
  await service.startWorker();
  for (const id of [holder, other, waiting.id]) {
    expect(await service.settled(id)).toMatchObject({ status: "SUCCEEDED", blockedBy: null });
  }
  expect(await service.query("SELECT count(*)::int AS n FROM city")).toEqual([{ n: 10 }]);
});

import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { rebuildCountryStatistics } from "../../../prisma/tasks/rebuild-country-statistics.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";

let service: ServiceFixture;

beforeAll(async () => {
  service = await createServiceFixture();
  await service.startWorker();
});
afterAll(() => service.stop());
beforeEach(async () => {
  await service.query(
    "UPDATE city SET population = 13 - id, rank_in_country = NULL, population_share = NULL",
  );
});

const figures = (): Promise<readonly unknown[]> =>
  service.query("SELECT id, rank_in_country AS rank FROM city ORDER BY id");

const RANKED = Array.from({ length: 12 }, (_, at) => ({ id: at + 1, rank: at + 1 }));

/** Who holds a city while a task reports progress with the text, and the messages that it shows. */
async function watch(
  taskId: string,
): Promise<{ readonly messages: Set<string>; readonly holders: Set<unknown> }> {
  const messages = new Set<string>();
  const holders = new Set<unknown>();
  for await (const { progress, status } of service.api.feed.watch(taskId)) {
    messages.add(`${progress.processed} of ${progress.total} ${progress.message ?? ""}`);
    if (status === "RUNNING") {
      const { city } = await service.data("{ city(id: 1) { activeTask { id } } }");
      holders.add(city.activeTask?.id);
    }
  }
  return { messages, holders };
}

it("a single update of a country launches the rebuilding of its cities' figures, which holds the cities while it runs", async () => {
  const { updateCountry } = await service.data(`mutation {
    updateCountry(id: "FR", data: {capital: "Lyon"}) { __typename ... on UpdateCountryPayload { country { capital } } ... on Error { message } }
  }`);
  expect(updateCountry).toMatchObject({ country: { capital: "Lyon" } });
  const { tasks } = await service.data(`{ tasks(first: 1) { nodes { id kind parent { id } } } }`);
  const [task] = tasks.nodes;
  expect(task).toMatchObject({ kind: "rebuildCountryStatistics", parent: null });
  const { messages, holders } = await withDeadline(watch(task.id), 15_000, "the end of the rebuilding");
  expect(await service.settled(task.id)).toMatchObject({
    status: "SUCCEEDED",
    result: { cities: 12, population: 78 },
    progress: { succeeded: 12, total: 12 },
  });
  expect(messages.size).toBeGreaterThan(2);
  expect([...holders]).toContain(task.id);
  expect(await figures()).toEqual(RANKED);
  expect(await service.query("SELECT population::int AS population, city_count FROM country")).toEqual([
    { population: 78, city_count: 12 },
  ]);
});

it("a bulk update of countries rebuilds the figures as a part of the task, and shows how far that has come", async () => {
  const before = await service.api.tasks.count();
  const { bulkUpdateCountries } = await service.data(`mutation {
    bulkUpdateCountries(selection: {ids: ["FR"]}, data: {capital: {set: "Paris"}}, options: {mode: ASYNC}) {
      __typename ... on TaskLaunched { task { id } } ... on Error { message }
    }
  }`);
  const { id } = bulkUpdateCountries.task;
  const { messages } = await withDeadline(watch(id), 15_000, "the end of the bulk update");
  expect(await service.settled(id)).toMatchObject({
    status: "SUCCEEDED",
    progress: { succeeded: 1, total: 1 },
  });
  expect([...messages].join()).toContain("rebuildCountryStatistics:");
  expect(await service.api.tasks.count()).toBe(before + 1);
  expect(await figures()).toEqual(RANKED);
});

it("the rebuilding is launched by GraphQL and by code, with the input that its definition describes", async () => {
  const { launchRebuildCountryStatistics } = await service.data(`mutation {
    launchRebuildCountryStatistics(input: {countryCode: "fr"}) { ... on TaskLaunched { task { id label } } ... on Error { message } }
  }`);
  expect(launchRebuildCountryStatistics.task).toMatchObject({ label: "Statistics of FR" });
  await service.settled(launchRebuildCountryStatistics.task.id);
  expect(await figures()).toEqual(RANKED);
  const launched = await service.api.tasks.launch(rebuildCountryStatistics, { countryCode: "France" });
  expect(launched).toMatchObject({ kind: "INVALID", problems: [{ field: "input.countryCode" }] });
});

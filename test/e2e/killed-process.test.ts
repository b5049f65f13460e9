import pg from "pg";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addToPopulation } from "../support/bulk-form.ts";
import { withDeadline } from "../support/deadline.ts";
import { freePort } from "../support/free-port.ts";
import { createTestClient } from "../support/graphql-client.ts";
import type { PowerCrudProcess } from "../support/powercrud-process.ts";
import { runPowerCrud, spawnPowerCrud } from "../support/powercrud-process.ts";
import { openTestPage, startTestBrowser } from "../support/test-browser.ts";
import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";

const LAUNCH = /* GraphQL */ `
  mutation {
    bulkUpdateCities(
      selection: { where: {} }
      data: { population: { increment: 1 } }
      options: { errorPolicy: ALL_OR_NOTHING, maxAffected: 200000 }
    ) {
      ... on TaskLaunched {
        task {
          id
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;
const WATCH = /* GraphQL */ `
  subscription ($id: ID!) {
    taskProgress(id: $id) {
      status
      attempt
      progress {
        processed
        total
        succeeded
      }
    }
  }
`;

interface State {
  readonly status: string;
  readonly attempt: number;
  readonly progress: { readonly processed: number; readonly total: number; readonly succeeded: number };
}

const CITIES = 100_000;

let database: TestDatabase;
let sql: pg.Client;
let browser: Browser;
let env: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase({ isEmpty: true });
  env = {
    // The same after a restart, so that an open page finds the service again.
    PORT: String(await freePort()),
    DATABASE_URL: database.url,
    POWERCRUD_SEED_CITIES: String(CITIES),
    POWERCRUD_LEASE_MS: "1500",
    POWERCRUD_CHUNK_RECORDS: "2000",
    POWERCRUD_PROGRESS_INTERVAL_MS: "10",
  };
  await runPowerCrud(["seed"], env);
  sql = new pg.Client(database.url);
  await sql.connect();
  browser = await startTestBrowser();
}, 240_000);
afterAll(async () => {
  await browser.close();
  await sql.end();
});

interface Service {
  readonly process: PowerCrudProcess;
  readonly url: string;
}

async function start(): Promise<Service> {
  const process = await spawnPowerCrud(["start"], env);
  const [, url = ""] = await process.waitForLine(/^ready (http:\S+)$/);
  return { process, url };
}

/** The task waits for its last record, so it cannot be over before the kill. Gives what lets it go. */
async function holdLastCity(): Promise<() => Promise<unknown>> {
  await sql.query("DROP TABLE IF EXISTS before; CREATE TABLE before AS SELECT id, population FROM city");
  await sql.query("BEGIN");
  await sql.query("SELECT FROM city ORDER BY id DESC LIMIT 1 FOR UPDATE");
  return () => sql.query("ROLLBACK");
}

/** Kills the process once a fifth of its task is done. */
async function killInTheMiddle({ process, url }: Service, id: string): Promise<void> {
  const client = createTestClient(url);
  const killed = (async () => {
    for await (const { taskProgress } of client.subscribe<{ taskProgress: State }>(WATCH, { id })) {
      if (taskProgress.progress.processed >= CITIES / 5) {
        process.kill("SIGKILL");
        return taskProgress.progress.processed;
      }
    }
    throw new Error("the task was over before the process could be killed");
  })();
  expect(await withDeadline(killed, 60_000, "the kill")).toBeLessThan(CITIES);
  await process.exited;
  await client.close().catch(() => undefined);
}

/** Follows the task to its end, and counts the records that it did not change just once. */
async function untilDone(url: string, id: string): Promise<object> {
  const client = createTestClient(url);
  const states: State[] = [];
  const watched = (async () => {
    for await (const { taskProgress } of client.subscribe<{ taskProgress: State }>(WATCH, { id })) {
      states.push(taskProgress);
    }
  })();
  await withDeadline(watched, 60_000, "the task's end after the restart");
  await client.close();
  const { rows } = await sql.query(
    `SELECT (SELECT count(*)::int FROM city JOIN before USING (id) WHERE city.population <> before.population + 1) AS wrong,
       (SELECT count(*)::int FROM powercrud.lock) AS locks`,
  );
  const { status, attempt, progress } = states.at(-1) ?? {};
  return { status, attempt, succeeded: progress?.succeeded, total: progress?.total, ...rows[0] };
}

const DONE_ONCE = {
  status: "SUCCEEDED",
  attempt: 2,
  succeeded: CITIES,
  total: CITIES,
  wrong: 0,
  locks: 0,
};

async function stop({ process }: Service): Promise<void> {
  process.kill("SIGTERM");
  expect(await withDeadline(process.exited, 15_000, "a clean stop")).toEqual({ code: 0, signal: null });
}

describe("kill -9 in the middle of an increment of 100,000 records, which loses none, repeats none, and leaves no lock", () => {
  it("of all or nothing, launched by the API", async () => {
    const first = await start();
    const release = await holdLastCity();
    const { bulkUpdateCities } = await createTestClient(first.url).request<{
      bulkUpdateCities: { task: { id: string } };
    }>(LAUNCH);
    const { id } = bulkUpdateCities.task;
    await killInTheMiddle(first, id);
    await release();
    const second = await start();
    expect(await untilDone(second.url, id)).toEqual(DONE_ONCE);
    await stop(second);
  });

  it("that skips failures, launched on a page, which says that the service is gone, and goes on by itself when it is back", async () => {
    const first = await start();
    const release = await holdLastCity();
    const { page, faults } = await openTestPage(browser, first.url);
    page.setDefaultTimeout(60_000);
    await page.goto(`${first.url}/dashboard/records/City`);
    const row = page.locator("[data-record]").first();
    await row.waitFor();
    const population = await populationAt(page);
    await page.evaluate(() => Object.assign(globalThis, { isStillOpen: true }));
    const drawer = await addToPopulation(page, /^Edit all 100,000 cities/, 1);
    await drawer.getByRole("button", { name: "Change 100,000 cities" }).click();
    const item = page.locator("[data-tray]");
    const id = (await item.getAttribute("data-tray")) ?? "";
    await row.getByText("in use").waitFor();
    await killInTheMiddle(first, id);
    await page.getByText("Reconnecting…").waitFor();
    await release();
    const second = await start();
    await page.getByText("Reconnecting…").waitFor({ state: "detached" });
    await item.getByText("Done", { exact: true }).waitFor();
    await item.getByText("100,000 of 100,000").waitFor();
    await row.getByText("in use").waitFor({ state: "detached" });
    await expect.poll(() => populationAt(page)).toBe(population + 1);
    expect(await page.evaluate(() => "isStillOpen" in globalThis)).toBe(true);
    // The browser itself notes each try to reach the service while it was gone.
    expect(faults.filter((fault) => !/ERR_(?:CONNECTION|EMPTY)/.test(fault))).toEqual([]);
    await page.close();
    expect(await untilDone(second.url, id)).toEqual(DONE_ONCE);
    await stop(second);
  });
});

/** The number in the first row's column. */
async function populationAt(page: Page): Promise<number> {
  const heads = await page.getByRole("columnheader").allInnerTexts();
  const cell = page.locator("[data-record]").first().getByRole("cell").nth(heads.indexOf("Population"));
  return Number((await cell.innerText()).replaceAll(",", ""));
}

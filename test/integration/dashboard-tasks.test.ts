import type { Page } from "playwright-core";
import { expect, it, onTestFinished } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import { createService, defineConfig } from "../../src/index.ts";
import { addToPopulation } from "../support/bulk-form.ts";
import { useDashboard } from "../support/dashboard-world.ts";
import { openTestPage } from "../support/test-browser.ts";

const CITIES = 20_000;
const TASKS = 10_000;
const RUNNING = 50;
/** The processor's time that one turn of the page's own thread may take. */
const MOST_TURN_MS = 50;

const world = useDashboard(CITIES);

/** Settled tasks of the last ten thousand minutes, a fifth of them of each status. */
async function insertTasks(): Promise<void> {
  await world.sql.query(
    `INSERT INTO powercrud.task (id, kind, model, label, status, error_policy, viewer, created_by, input, input_hash, created_at,
       started_at, finished_at, cleaned_at, attempt, total, succeeded, failed, skipped, claims)
     SELECT powercrud.create_id(at.at), (ARRAY['bulkUpdate', 'bulkDelete'])[1 + i % 2], 'City', 'old task ' || i,
       (ARRAY['SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED', 'SUCCEEDED'])[1 + i % 5], 'SKIP_FAILED',
       jsonb_build_object('id', who.who), who.who, '{"selection": {"where": {}}}', i, at.at, at.at, at.at, at.at, 1, 10, 7, 2, 1, '[]'
     FROM generate_series(1, $1::integer) i, LATERAL (SELECT now() - i * interval '1 minute' AS at) at,
       LATERAL (SELECT CASE WHEN i % 100 = 0 THEN 'ann' END AS who) who`,
    [TASKS],
  );
}

interface TraceEvent {
  readonly name: string;
  readonly tid: number;
  readonly pid: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** The longest turn of the page's own thread while `act` runs, by the processor's time in it: other programs do not count. */
async function longestTurnMs(page: Page, act: () => Promise<void>): Promise<number> {
  await world.browser.startTracing(page, {
    categories: ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"],
  });
  await act();
  const trace = await world.browser.stopTracing();
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: readonly TraceEvent[] };
  const threads = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid}.${tid}`),
  );
  const turns = traceEvents.filter(
    ({ name, pid, tid, tdur }) => name === "RunTask" && tdur !== undefined && threads.has(`${pid}.${tid}`),
  );
  expect(turns.length).toBeGreaterThan(100);
  return Math.max(...turns.map(({ tdur = 0 }) => tdur / 1000));
}

it("ten thousand tasks, fifty of them running, scroll smoothly, and the address keeps the place and the filters", async () => {
  await insertTasks();
  for (let id = 1; id <= RUNNING; id += 1) {
    const outcome = await world.service.powercrud.tasks.reserve([{ model: "City", ids: [String(id)] }]);
    const reservation = outcome.kind === "RESERVED" ? outcome.reservation : undefined;
    onTestFinished(async () => void (await reservation?.release()));
  }
  const { page, faults } = await world.open("/tasks");
  await page.locator(`[data-total="${TASKS + RUNNING}"]`).waitFor();
  await page.getByRole("button", { name: `Running ${RUNNING}` }).waitFor();
  const list = page.getByRole("table", { name: "Tasks" });
  await page.locator("[data-task]").first().waitFor();
  const scrollBy = (height: number): Promise<void> => list.evaluate((box, by) => box.scrollBy(0, by), height);
  // The first rows warm the page's script up.
  await scrollBy(400);
  const longest = await longestTurnMs(page, async () => {
    for (let step = 0; step < 60; step += 1) {
      await scrollBy(600);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  });
  expect(longest).toBeLessThan(MOST_TURN_MS);
  expect(await page.locator("[data-task]").count()).toBeLessThan(60);

  await expect.poll(() => new URL(page.url()).searchParams.get("after")).not.toBeNull();
  const place = async (): Promise<number> =>
    Number((await page.locator("[data-task] a").first().textContent())?.replace("old task ", ""));
  const before = await place();
  expect(before).toBeGreaterThan(300);
  await page.reload();
  await page.locator("[data-task]").first().waitFor();
  // Newer pages are read meanwhile, and do not move what one looks at.
  await expect.poll(async () => Math.abs((await place()) - before)).toBeLessThan(60);
  // Backwards, to the newest.
  await expect
    .poll(async () => {
      await list.evaluate((box) => box.scrollTo(0, 0));
      return page.getByText("Reservation").count();
    })
    .toBeGreaterThan(0);

  await page.getByRole("button", { name: "Failed 2,000" }).click();
  await page.locator('[data-total="2000"]').waitFor();
  await page.getByRole("textbox", { name: "Launched by" }).fill("ann");
  await page.keyboard.press("Enter");
  await page.getByText("No task is like that.").waitFor();
  await page.getByRole("button", { name: "Failed 0" }).click();
  await page.locator('[data-total="100"]').waitFor();
  await page.getByRole("combobox", { name: "Launched", exact: true }).click();
  await page.getByRole("option", { name: "Last 24 hours" }).click();
  await page.locator('[data-total="14"]').waitFor();
  expect(new URL(page.url()).searchParams.get("since")).toBe("24h");
  await page.reload();
  await page.locator('[data-total="14"]').waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

it("a task in line says which of its records are held, by what, and goes on when they are free", async () => {
  const outcome = await world.service.powercrud.tasks.reserve([{ model: "City", ids: ["101", "102"] }], {
    label: "Archive old cities",
  });
  const reservation = outcome.kind === "RESERVED" ? outcome.reservation : undefined;
  const id = await launch({
    args: `selection: { ids: ["101", "102", "103"] }, data: { population: { increment: 1 } }`,
    options: "onConflict: WAIT",
  });
  const { page, faults } = await world.open(`/tasks/${id}`);
  const blocker = page.locator("[data-blocker]");
  await blocker.getByText("2 of these records").waitFor();
  await blocker.getByRole("link", { name: "Archive old cities" }).waitFor();
  await blocker.getByRole("link", { name: "102" }).waitFor();
  await page.getByText("population + 1 of 3 records").waitFor();
  const pause = page.getByRole("button", { name: "Pause" });
  expect(await pause.getAttribute("aria-description")).toContain("waits in line");

  await reservation?.release();
  await page.getByText("Locks released").waitFor();
  await page.getByRole("button", { name: "Written 3" }).waitFor();
  await page.getByRole("link", { name: "City 103 (103)", exact: true }).waitFor();
  expect(await blocker.count()).toBe(0);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download results" }).click();
  expect((await download).suggestedFilename()).toMatch(/records\.jsonl$/);
  expect(faults).toEqual([]);
  await page.close();
});

it("a task that changes many records redraws its page at most ten times a second", async () => {
  const { page, faults } = await world.open("/tasks");
  await page.locator("[data-task]").first().waitFor();
  await page.evaluate(countRedraws);
  const id = await launch({
    args: "selection: { where: { id: { gt: 200 } } }, data: { population: { increment: 1 } }",
  });
  const row = page.locator(`[data-task="${id}"]`);
  await row.getByText("Done", { exact: true }).waitFor();
  const { redraws, ms } = await page.evaluate(() =>
    (globalThis as unknown as { readDraws: () => { redraws: number; ms: number } }).readDraws(),
  );
  // The row itself comes and the list of statuses changes once beside.
  expect(redraws).toBeLessThanOrEqual(Math.ceil(ms / 100) + 4);
  await row.getByRole("link").click();
  await page.getByText(/^Took /).waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

/** Runs in the page: counts the moments in which bars of the list change. */
function countRedraws(): void {
  const start = performance.now();
  let redraws = 0;
  let last = -1000;
  new MutationObserver((changes) => {
    const isBar = changes.some(({ target }) => (target as HTMLElement).closest?.(".bar, .counts") !== null);
    const now = performance.now();
    if (isBar && now - last > 5) {
      redraws += 1;
      last = now;
    }
  }).observe(document.querySelector(".tasks") ?? document.body, {
    subtree: true,
    attributes: true,
    childList: true,
  });
  Object.assign(globalThis, { readDraws: () => ({ redraws, ms: performance.now() - start }) });
}

/** A page of a service that asks everybody who they are. @param signIn the viewer, by what the caller sent; null for nobody */
async function openClosed(
  signIn: (given: unknown) => { id: string; roles?: string[] } | null,
  models: NonNullable<(typeof demoConfig)["models"]> = demoConfig.models ?? {},
) {
  const service = await createService({
    config: defineConfig({
      ...demoConfig,
      models,
      auth: {
        authenticate: ({ headers, connectionParams }) =>
          signIn(headers.get("authorization") ?? connectionParams?.["authorization"]),
      },
    }),
    databaseUrl: world.databaseUrl,
    settings: { port: 0, auth: "required", dashboard: "true" },
  });
  await service.start();
  onTestFinished(() => service.stop());
  const { page } = await openTestPage(world.browser, service.url);
  page.setDefaultTimeout(30_000);
  return { service, page };
}

it("a holder that is not for one to see is no link", async () => {
  const outcome = await world.service.powercrud.tasks.reserve([{ model: "City", ids: ["3"] }]);
  const reservation = outcome.kind === "RESERVED" ? outcome.reservation : undefined;
  onTestFinished(async () => void (await reservation?.release()));
  const { service, page } = await openClosed((given) => (given === "Bearer bob" ? { id: "bob" } : null), {
    City: { ...demoConfig.models?.["City"], access: true },
    Country: { ...demoConfig.models?.["Country"], access: true },
    Tag: { access: true },
  });
  await page.addInitScript(() => sessionStorage.setItem("powercrud.key", "bob"));
  await page.goto(`${service.url}/dashboard/records/City`);
  await page.locator('[data-record="3"]').getByText("in use").waitFor();
  const drawer = await addToPopulation(page, /^Edit all 20,000 cities/, 1);
  await drawer.getByRole("button", { name: "Change 20,000 cities" }).click();
  await drawer.getByText("1 record is held by another task.").waitFor();
  await drawer.getByText("A task that is not for you to see").waitFor();
  const links = page.locator('a[href*="/tasks/0000"]');
  expect(await links.count()).toBe(0);
  await page.goto(`${service.url}/dashboard/records/City/3`);
  await page.getByText("A task that is not for you to see holds this record.").waitFor();
  expect(await links.count()).toBe(0);
  await page.close();
});

it("a notification is counted, read and marked, and a sign-in that no longer holds is asked for again on the same page", async () => {
  let isValid = true;
  const { service, page } = await openClosed((given) =>
    isValid && given === "Bearer ann" ? { id: "ann", roles: ["admin"] } : null,
  );
  await page.goto(`${service.url}/dashboard/notifications`);
  const key = page.getByRole("textbox", { name: "Key or token" });
  await key.fill("ann");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Nothing to tell").waitFor();
  await launch({
    args: `selection: { ids: ["150"] }, data: { population: { increment: 1 } }`,
    options: "notify: [{ channel: IN_APP }]",
    url: service.url,
    headers: { authorization: "Bearer ann" },
  });
  await page.getByLabel("1 unread").waitFor();
  await page.locator("[data-notification]").getByRole("button", { name: "Mark as read" }).waitFor();
  await page.getByRole("button", { name: "Mark all as read" }).click();
  await page.getByLabel("1 unread").waitFor({ state: "detached" });

  await page.getByRole("link", { name: "Schedules" }).click();
  await page.getByText("No task launches by itself").waitFor();
  isValid = false;
  // A task of somebody else's lets the page ask again.
  await launch({ args: `selection: { ids: ["151"] }, data: { population: { increment: 1 } }` });
  await page.getByText("Your sign-in is over").waitFor();
  isValid = true;
  await key.fill("ann");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("No task launches by itself").waitFor();
  expect(new URL(page.url()).pathname).toBe("/dashboard/schedules");
  await page.close();
});

/** Launches a bulk update, and gives its id. */
async function launch(asked: {
  readonly args: string;
  readonly options?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
}): Promise<string> {
  const { args, options = "onConflict: REJECT", url = world.service.url, headers = {} } = asked;
  const answer = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({
      query: `mutation { bulkUpdateCities(${args}, options: { mode: ASYNC, ${options} }) {
        ... on TaskLaunched { task { id } } ... on Error { message } } }`,
    }),
  });
  const { data } = (await answer.json()) as { data: { bulkUpdateCities: { task?: { id: string } } } };
  expect(data.bulkUpdateCities).toHaveProperty("task");
  return data.bulkUpdateCities.task?.id ?? "";
}

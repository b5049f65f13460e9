import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrudService, Reservation } from "../../src/index.ts";
import { createService, defineConfig } from "../../src/index.ts";
import { addToPopulation } from "../support/bulk-form.ts";
import { freePort } from "../support/free-port.ts";
import { insertCities } from "../support/insert-cities.ts";
import { openTestPage, startTestBrowser } from "../support/test-browser.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const CITIES = 50_000;
const JWT_SECRET = "0123456789abcdef0123456789abcdef";
/** Compressed by gzip, in bytes. */
const MOST_SCRIPT = 300_000;
const MOST_STYLE = 60_000;

let browser: Browser;
let database: TestDatabase;
let sql: Client;
let service: PowerCrudService;
let port: number;

async function startService(): Promise<PowerCrudService> {
  const started = await createService({
    config: defineConfig(demoConfig),
    databaseUrl: database.url,
    settings: { port, progressIntervalMs: 50 },
  });
  await started.start();
  return started;
}

beforeAll(async () => {
  browser = await startTestBrowser();
  database = await createTestDatabase();
  sql = new Client({ connectionString: database.url });
  await sql.connect();
  await insertCities(sql, CITIES);
  port = await freePort();
  service = await startService();
});
afterAll(async () => {
  await browser.close();
  await service.stop();
  await sql.end();
  await database.drop();
});

async function open(path: string, options: Parameters<typeof openTestPage>[2] = {}) {
  const opened = await openTestPage(browser, service.url, options);
  opened.page.setDefaultTimeout(30_000);
  await opened.page.goto(`${service.url}${path}`);
  return opened;
}

const total = (page: Page, count: number): Locator => page.locator(`[data-total="${count}"]`);
const row = (page: Page, id: number): Locator => page.locator(`[data-record="${id}"]`);

it("a bulk edit of all records is tried, launched and followed without leaving the page", async () => {
  const { page, faults } = await open("/");
  await total(page, CITIES).waitFor();
  const drawer = await addToPopulation(page, /^Edit all 50,000 cities/, 5);
  await drawer.getByRole("button", { name: "Preview" }).click();
  await drawer.getByText("50,000 would be changed, 0 would fail, 0 would be left out.").waitFor();
  await drawer.getByText("Population: 50,000 get another value; together 0 → 250,000.").waitFor();
  await drawer.getByText("Population 0 → 5").first().waitFor();
  const { rows } = await sql.query("SELECT sum(population)::int AS sum FROM city");
  expect(rows).toEqual([{ sum: 0 }]);

  await drawer.getByRole("button", { name: "Change 50,000 cities" }).click();
  const task = page.locator("[data-tray]");
  await task.getByText("Done", { exact: true }).waitFor();
  await task.getByText("50,000 of 50,000").waitFor();
  // The page shows what the task wrote, though nobody reloaded it.
  await row(page, 1).getByRole("cell", { name: "5", exact: true }).waitFor();
  await row(page, 1).getByText("in use").waitFor({ state: "hidden" });
  await page.getByRole("link", { name: "Bulk update of City" }).click();
  await page.getByText("Locks released").waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

it("records that another task holds are shown as such, and a second edit chooses what to do about them", async () => {
  const { page } = await openTestPage(browser, service.url);
  // The socket of the page is slow, so that what happens before it is there is told to nobody.
  let connectSocket = (): void => undefined;
  const mayConnect = new Promise<void>((connect) => (connectSocket = connect));
  await page.routeWebSocket(/graphql/, async (socket) => {
    await mayConnect;
    socket.connectToServer();
  });
  await page.goto(`${service.url}/dashboard/records/City`);
  await row(page, 1).waitFor();
  const holder = await holdCities([1, 2]);
  connectSocket();
  await row(page, 1).getByText("in use").waitFor();
  await total(page, CITIES).waitFor();
  const drawer = await addToPopulation(page, /^Edit all 50,000 cities/, 1);
  await drawer.getByRole("button", { name: "Change 50,000 cities" }).click();
  await drawer.getByText("2 records are held by another task.").waitFor();
  await drawer.getByRole("radio", { name: "Change the others now" }).check();
  await drawer.getByRole("button", { name: "Change 50,000 cities" }).click();
  await page.locator("[data-tray]").getByText("2 skipped").waitFor();

  await row(page, 1).getByRole("link").first().click();
  await page.getByText("holds this record").waitFor();
  expect(await page.getByRole("textbox", { name: "Name" }).isDisabled()).toBe(true);
  await holder.release();
  await expect.poll(() => page.getByRole("textbox", { name: "Name" }).isDisabled()).toBe(false);
  await page.close();
});

it("a record is edited by hand, and a change that came first is shown beside one's own", async () => {
  const { page } = await open("/dashboard/records/City/7");
  await page.getByRole("textbox", { name: "Name" }).fill("Lyon");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  expect(await cityName(7)).toBe("Lyon");

  // What is typed while a saved record is read again stays.
  const name = page.getByRole("textbox", { name: "Name" });
  const save = page.waitForResponse(async (answer) => (await answer.text()).includes("Lyons"));
  await name.fill("Lyons");
  await page.getByRole("button", { name: "Save" }).click();
  await name.fill("Lyons-la-Forêt");
  await save;
  await page.getByRole("heading", { name: "Lyons", exact: true }).waitFor();
  expect(await name.inputValue()).toBe("Lyons-la-Forêt");

  await sql.query("UPDATE city SET name = 'Lugdunum', elevation = 173, updated_at = now() WHERE id = 7");
  await name.fill("Lione");
  await page.getByRole("textbox", { name: "Notes" }).fill("Seen");
  const button = page.getByRole("button", { name: "Save" });
  await button.click();
  const clash = page.locator("[data-clash=name]");
  const told = await page.locator("[data-stale]").innerText();
  expect(told).toMatch(/Name\s+Lyons\s+Lugdunum\s+Lione\b[^]*Elevation\s+–\s+173\s+not changed/);
  // Nothing of theirs is overwritten before one has said so, and nothing that one typed is lost.
  expect(await button.getAttribute("aria-description")).toBe("Say first whose Name to keep.");
  await clash.getByRole("button", { name: "Keep mine" }).click();
  await clash.getByRole("button", { name: "Take theirs" }).click();
  await expect.poll(() => name.inputValue()).toBe("Lugdunum");
  await button.click();
  await page.getByText("Saved.").waitFor();
  const { rows } = await sql.query("SELECT name, elevation, notes FROM city WHERE id = 7");
  expect(rows).toEqual([{ name: "Lugdunum", elevation: 173, notes: "Seen" }]);
  await page.close();
});

it("a running task is cancelled, and its page says what became of it", async () => {
  const { page } = await open("/dashboard/records/City");
  await total(page, CITIES).waitFor();
  // Some of each chunk, so that the task cannot be done before it is asked to stop; none that a change is tried on beforehand.
  const rows = await holdRows(Array.from({ length: CITIES / 100 }, (_, at) => at * 100 + 51));
  const drawer = await addToPopulation(page, /^Edit all/, 1);
  await drawer.getByRole("button", { name: "Change 50,000 cities" }).click();
  await page.locator("[data-tray]").getByRole("link").first().click();
  const cancel = page.getByRole("button", { name: "Cancel" });
  await cancel.click();
  await expect.poll(() => cancel.getAttribute("aria-disabled")).toBe("true");
  await rows.release();
  await page.getByText("Cancelled").first().waitFor();
  await page.getByText("Locks released").waitFor();
  const retry = page.getByRole("button", { name: "Retry what failed" });
  await expect.poll(() => retry.getAttribute("aria-disabled")).toBe("false");
  await retry.click();
  await page.getByRole("heading", { name: "Retry of", exact: true }).waitFor();
  await page.getByText("Locks released").waitFor();
  await page.close();
});

it("a page whose service stops says so, and goes on by itself when it is back", async () => {
  const { page } = await open("/dashboard/tasks");
  await page.locator("[data-task]").first().waitFor();
  const before = await page.locator("[data-task]").count();
  await service.stop();
  await page.getByText("Reconnecting…").waitFor();
  service = await startService();
  await page.getByText("Reconnecting…").waitFor({ state: "detached" });
  await launchUpdate();
  await expect.poll(() => page.locator("[data-task]").count()).toBeGreaterThan(before);
  await page.close();
});

/** Goes on by the tabulator until the control has the focus. */
async function tabTo(page: Page, control: Locator, key = "Tab"): Promise<void> {
  await control.waitFor();
  for (let step = 0; step < 80; step += 1) {
    if (await control.evaluate((element) => element === document.activeElement)) {
      return;
    }
    await page.keyboard.press(key);
  }
  throw new Error(`${control.toString()} cannot be reached by ${key}`);
}

/** Presses a button, or follows a link, by the keyboard. */
async function press(page: Page, role: "button" | "link", name: string | RegExp, key = "Tab"): Promise<void> {
  await tabTo(page, page.getByRole(role, { name, exact: true }), key);
  await page.keyboard.press("Enter");
}

/** Chooses in a control that searches. */
async function typeInto(page: Page, name: string, text: string): Promise<void> {
  await tabTo(page, page.getByRole("combobox", { name, exact: true }));
  await page.keyboard.type(text);
  await page.getByRole("option", { name: text, exact: true }).waitFor();
  await page.keyboard.press("Enter");
}

/** Chooses in a control that does not search. */
async function moveTo(page: Page, name: string, option: string): Promise<void> {
  await tabTo(page, page.getByRole("combobox", { name, exact: true }));
  await page.keyboard.press("Enter");
  const wanted = page.getByRole("option", { name: option, exact: true });
  await wanted.waitFor();
  while ((await wanted.getAttribute("data-combobox-selected")) === null) {
    await page.keyboard.press("ArrowDown");
  }
  await page.keyboard.press("Enter");
}

it("whoever has no mouse filters, chooses, tries, launches, follows, cancels and imports by the keyboard", async () => {
  const { page } = await open("/dashboard/records/City");
  await total(page, CITIES).waitFor();
  await press(page, "button", "Add filter");
  await typeInto(page, "Field", "Id");
  await moveTo(page, "What", "is less than");
  await tabTo(page, page.getByRole("textbox", { name: "Value" }));
  await page.keyboard.type("4");
  await page.keyboard.press("Enter");
  await total(page, 3).waitFor();
  await tabTo(page, row(page, 1));
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await page.getByRole("button", { name: "Edit 2 cities" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await page.keyboard.press("Space");
  await press(page, "button", "Edit 2 cities", "Shift+Tab");

  await press(page, "button", "Choose a field to change");
  await typeInto(page, "Field", "Notes");
  await tabTo(page, page.getByRole("textbox", { name: "New value of Notes" }));
  await page.keyboard.type("seen");
  await press(page, "button", /^Preview/);
  await page.getByText("2 would be changed, 0 would fail, 0 would be left out.").waitFor();
  const rows = await holdRows([2]);
  await press(page, "button", "Change 2 cities");
  await press(page, "link", "Bulk update of City");
  await press(page, "button", "Cancel");
  await expect
    .poll(() => page.getByRole("button", { name: "Cancel" }).getAttribute("aria-disabled"))
    .toBe("true");
  await rows.release();
  await page.getByText("Locks released").waitFor();

  await press(page, "link", "Imports");
  await typeInto(page, "What is in the file?", "Tags");
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    press(page, "button", "Choose a file"),
  ]);
  const file = { name: "tags.csv", mimeType: "text/csv", buffer: Buffer.from("label\nblue\n") };
  await chooser.setFiles(file);
  await page.getByText("The only row can be written.").waitFor();
  await press(page, "button", "Import tags.csv");
  await page.locator('[data-written="1"]').waitFor();
  expect((await sql.query("SELECT label FROM tag")).rows).toEqual([{ label: "blue" }]);

  await press(page, "link", /^Tasks/);
  await tabTo(page, page.locator("[data-at='0']"));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByText("Timeline").waitFor();
  await page.close();
}, 240_000);

it("what is closed gives the focus back to where it was opened", async () => {
  const { page } = await open("/dashboard/records/City");
  const hasFocus = (where: Locator): Promise<boolean> =>
    where.evaluate((one) => one === document.activeElement);
  const dialog = page.getByRole("dialog");
  await row(page, 2).getByRole("checkbox").check();
  await row(page, 2).focus();
  await page.keyboard.press("?");
  await dialog.getByText("Show these keys").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await expect.poll(() => hasFocus(row(page, 2))).toBe(true);
  const edit = page.getByRole("button", { name: "Edit 1 city" });
  await edit.focus();
  await page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Choose a field to change" }).waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await expect.poll(() => hasFocus(edit)).toBe(true);
  await page.close();
});

it("whoever needs a key signs in with it, and signs out", async () => {
  const url = await createClosedService();
  const { page } = await openTestPage(browser, url);
  await page.goto(`${url}/dashboard/`);
  const key = page.getByRole("textbox", { name: "Key or token" });
  await key.fill("nonsense");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  const { SignJWT } = await import("jose");
  const token = await new SignJWT({ sub: "ann", roles: ["admin"] })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(JWT_SECRET));
  await key.fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await total(page, CITIES).waitFor();
  await page.getByText("ann", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await key.waitFor();
  expect(await page.locator("[data-record]").count()).toBe(0);
  await page.close();
});

it("the pages about schedules, notifications and health have what their queries have", async () => {
  const { page, faults } = await open("/dashboard/schedules");
  await page.getByText("No task launches by itself").waitFor();
  await page.getByRole("link", { name: "Notifications" }).click();
  await page.getByText("Nothing to tell").waitFor();
  await page.getByRole("link", { name: "Health" }).click();
  await page.getByRole("cell", { name: "Database", exact: true }).waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

it("a browser loads little", async () => {
  const folder = join(ROOT, "dist/dashboard/assets");
  const sizes = await Promise.all(
    (await readdir(folder))
      .filter((name) => name.endsWith(".gz"))
      .map(async (name) => ({ name, size: (await readFile(join(folder, name))).length })),
  );
  const sum = (ending: string): number =>
    sizes.filter(({ name }) => name.endsWith(ending)).reduce((all, { size }) => all + size, 0);
  expect(sum(".js.gz")).toBeLessThan(MOST_SCRIPT);
  expect(sum(".css.gz")).toBeLessThan(MOST_STYLE);
});

/** A second service on the same database, which asks who comes. */
async function createClosedService(): Promise<string> {
  const closed = await createService({
    config: defineConfig(demoConfig),
    databaseUrl: database.url,
    settings: { port: await freePort(), auth: "required", jwtSecret: JWT_SECRET, dashboard: "true" },
  });
  await closed.start();
  onTestFinished(() => closed.stop());
  return closed.url;
}

async function cityName(id: number): Promise<unknown> {
  return (await sql.query("SELECT name FROM city WHERE id = $1", [id])).rows[0].name;
}

/** Reserves cities, as a task of somebody else's would. */
async function holdCities(ids: readonly number[]): Promise<Reservation> {
  const outcome = await service.powercrud.tasks.reserve([{ model: "City", ids: ids.map(String) }], {
    label: "Archive old cities",
  });
  if (outcome.kind !== "RESERVED") {
    throw new Error(`the cities could not be reserved: ${outcome.kind}`);
  }
  return outcome.reservation;
}

/** Locks rows in a transaction of the test's, so that a task on them waits. */
async function holdRows(ids: readonly number[]): Promise<{ release(): Promise<void> }> {
  const holder = new Client({ connectionString: database.url });
  await holder.connect();
  await holder.query("BEGIN");
  await holder.query("SELECT FROM city WHERE id = ANY($1) FOR UPDATE", [ids]);
  return { release: () => holder.end() };
}

async function launchUpdate(): Promise<void> {
  const answer = await fetch(`${service.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      query: `mutation { bulkUpdateCities(selection: {ids: ["1"]}, data: {notes: {set: "x"}}, options: {mode: ASYNC}) { __typename } }`,
    }),
  });
  expect(await answer.json()).toEqual({ data: { bulkUpdateCities: { __typename: "TaskLaunched" } } });
}

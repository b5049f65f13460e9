import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, it, onTestFinished } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import { rebuildCountryStatistics } from "../../prisma/tasks/rebuild-country-statistics.ts";
import type { Reservation } from "../../src/index.ts";
import { defineConfig } from "../../src/index.ts";
import { addToPopulation } from "../support/bulk-form.ts";
import { seriousFaults, useDashboard } from "../support/dashboard-world.ts";
import { insertCities } from "../support/insert-cities.ts";
import { openTestPage } from "../support/test-browser.ts";

const CITIES = 14;
/** No city may have so many inhabitants. */
const BAD = 13;
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 800 };
/** A folder for a picture of each page, wide and narrow, in both colour schemes; undefined for none. */
const PICTURES = process.env["POWERCRUD_PICTURES"];

const world = useDashboard(
  async (sql) => {
    await insertCities(sql, CITIES);
    await sql.query(
      `INSERT INTO country (code, name, continent, capital, currency) VALUES ('DE', 'Germany', 'EUROPE', 'Berlin', 'EUR');
       INSERT INTO tag (id, label) VALUES ('01890a5d-ac96-774b-bcce-b302099a8001', 'blue');
       INSERT INTO "_CityToTag" SELECT 5, id FROM tag;
       UPDATE city SET name = (ARRAY['Paris', 'Marseille', 'Lyon', 'Toulouse', 'Saint-Étienne', 'Nice', 'Nantes', 'Strasbourg',
           'Montpellier', 'Bordeaux', 'Lille', 'Rennes', 'Le Havre', 'Châlons-en-Champagne'])[id],
         population = CASE WHEN id > 12 THEN 2000 * id ELSE id END, elevation = 30 + id, latitude = 43.2965 + id / 7.0, longitude = 5.36978 - id / 3.0,
         notes = CASE WHEN id = 5 THEN 'Known for its bicycles, and for a football club that has won much.' END,
         country_code = CASE WHEN id > 12 THEN 'DE' ELSE 'FR' END;
       ALTER TABLE city ADD CONSTRAINT not_unlucky CHECK (population <> ${BAD})`,
    );
    return defineConfig({
      ...demoConfig,
      auth: {
        authenticate: ({ headers, connectionParams }) =>
          (headers.get("authorization") ?? connectionParams?.["authorization"]) === "Bearer ann"
            ? { id: "ann", roles: ["admin"] }
            : null,
      },
      schedules: [
        {
          name: "nightlyStatistics",
          cron: "0 3 * * *",
          task: rebuildCountryStatistics,
          input: { countryCode: "FR" },
        },
      ],
    });
  },
  { auth: "required", dashboard: "true" },
);

/** A page for somebody who is signed in. It shows nothing that moves. */
async function open(path: string, isNew = false): Promise<Page> {
  const { page } = await openTestPage(world.browser, world.service.url, {
    viewport: WIDE,
    reducedMotion: "reduce",
  });
  page.setDefaultTimeout(30_000);
  await page.addInitScript((isHintShown) => {
    sessionStorage.setItem("powercrud.key", "ann");
    if (!isHintShown) {
      localStorage.setItem("powercrud.hint", "seen");
    }
  }, isNew);
  await page.goto(`${world.service.url}/dashboard${path}`);
  return page;
}

/** What was found so far by the tests of this file. */
const found: string[] = [];

/** Looks at what the page shows, in both colour schemes. The second one changes only colours. */
async function look(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    await page.evaluate(untilStill);
    const faults = await seriousFaults(page, colorScheme === "light" ? undefined : ["color-contrast"]);
    found.push(...faults.map((fault) => `${name}, ${colorScheme}: ${fault}`));
    if (PICTURES !== undefined) {
      await draw(page, `${name}-${colorScheme}`);
    }
  }
}

/** Runs in the page: waits until nothing fades in, out or over. */
async function untilStill(): Promise<void> {
  const moving = document
    .getAnimations()
    .filter(({ effect }) => effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
  await Promise.allSettled(moving.map(({ finished }) => finished));
}

async function draw(page: Page, name: string): Promise<void> {
  for (const [width, viewport] of Object.entries({ narrow: NARROW, wide: WIDE })) {
    await page.setViewportSize(viewport);
    await page.evaluate(untilStill);
    await page.screenshot({ path: join(PICTURES ?? "", `${name}-${width}.png`), animations: "disabled" });
  }
}

async function launch(args: string, options: string): Promise<string> {
  const answer = await fetch(`${world.service.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer ann" },
    body: JSON.stringify({
      query: `mutation { bulkUpdateCities(${args}, options: { errorPolicy: SKIP_FAILED, ${options} }) {
        ... on TaskLaunched { task { id } } ... on Error { message } } }`,
    }),
  });
  const { data } = (await answer.json()) as { data: { bulkUpdateCities: { task?: { id: string } } } };
  expect(data.bulkUpdateCities).toHaveProperty("task");
  return data.bulkUpdateCities.task?.id ?? "";
}

/** Holds cities until the test is over. */
async function holdCities(ids: readonly string[]): Promise<Reservation> {
  const outcome = await world.service.powercrud.tasks.reserve([{ model: "City", ids: [...ids] }], {
    label: "Archive old cities",
  });
  if (outcome.kind !== "RESERVED") {
    throw new Error(`the cities could not be reserved: ${outcome.kind}`);
  }
  const { reservation } = outcome;
  onTestFinished(async () => void (await reservation.release()));
  return reservation;
}

/** Sends a file by the page's own button. */
async function chooseFile(page: Page, button: string, name: string, text: string): Promise<void> {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: button, exact: true }).click(),
  ]);
  await chooser.setFiles({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
}

it("nothing on the pages of records and in their drawers is a serious fault for people who cannot see it well", async () => {
  await holdCities(["1", "2"]);
  const page = await open("/records/City", true);
  await page.getByText("Try it: preview +1").waitFor();
  await page.getByText("in use").first().waitFor();
  await look(page, "records-hint");
  await page.getByRole("button", { name: "Do not show this again" }).click();
  await page.getByRole("checkbox", { name: "Choose 3" }).check();
  await page.getByRole("button", { name: "Totals" }).click();
  await page.locator("[data-figure=sum]").first().waitFor();
  await page.getByRole("button", { name: "Add filter" }).click();
  await page.getByRole("combobox", { name: "Field" }).click();
  await page.getByRole("option", { name: "Population", exact: true }).click();
  await page.getByRole("textbox", { name: "Value" }).waitFor();
  await look(page, "records-filter-form");
  await page.getByRole("textbox", { name: "Value" }).fill("3");
  await page.keyboard.press("Enter");
  await page.locator('[data-total="1"]').waitFor();
  await look(page, "records-filtered");
  await page.getByRole("button", { name: "Remove the filter" }).click();
  await page.locator(`[data-total="${CITIES}"]`).waitFor();
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("menuitemcheckbox").first().waitFor();
  await look(page, "records-columns");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("menuitem", { name: "Save this view…" }).waitFor();
  await look(page, "records-views");
  await page.getByRole("menuitem", { name: "Save this view…" }).click();
  await page.getByRole("textbox", { name: "Name" }).waitFor();
  await look(page, "records-save-view");
  await page.keyboard.press("Escape");

  const drawer = await addToPopulation(page, /^Edit all/, 1);
  await drawer.getByRole("button", { name: "Preview" }).click();
  await drawer.getByText("2 records are held by another task.").waitFor();
  await look(page, "bulk-conflict");
  await drawer.getByRole("radio", { name: "Change the others now" }).check();
  await drawer.getByRole("button", { name: "Preview" }).click();
  await drawer.getByText("11 would be changed, 1 would fail, 2 would be left out.").waitFor();
  await drawer.locator("[data-sample]").first().waitFor();
  await look(page, "bulk-preview");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Delete 1 city" }).click();
  await drawer.getByRole("button", { name: "Preview" }).click();
  await drawer.getByText("1 would be deleted, 0 would fail").waitFor();
  await look(page, "bulk-delete");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Export", exact: true }).click();
  await drawer.getByRole("button", { name: "Write it in the background" }).click();
  await drawer.getByRole("button", { name: "Download the file" }).waitFor();
  await look(page, "export");
  expect(found.splice(0)).toEqual([]);
  await page.close();
}, 240_000);

it("nothing on a record's pages is", async () => {
  const held = await holdCities(["1"]);
  const page = await open("/records/City/1");
  await page.getByText("holds this record").waitFor();
  await look(page, "record-held");
  await held.release();
  await page.goto(`${world.service.url}/dashboard/records/City/5`);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("blue").first().waitFor();
  await look(page, "record");
  await world.sql.query("UPDATE city SET name = 'St-Étienne', updated_at = now() WHERE id = 5");
  await page.getByRole("textbox", { name: "Elevation" }).fill("517");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("[data-stale]").waitFor();
  await look(page, "record-stale");
  await page.goto(`${world.service.url}/dashboard/records/City/new`);
  await page.getByRole("button", { name: "Create" }).waitFor();
  await look(page, "record-new");
  await page.goto(`${world.service.url}/dashboard/records/Language`);
  await page.getByText("There are no languages yet.").waitFor();
  await look(page, "records-empty");
  await page.goto(`${world.service.url}/dashboard/nowhere`);
  await page.getByText("There is no such page.").waitFor();
  await look(page, "no-such-page");
  expect(found.splice(0)).toEqual([]);
  await page.close();
}, 240_000);

it("nothing on the pages of tasks, in the corner and in the narrow menu is", async () => {
  await holdCities(["1", "2"]);
  const change = "data: { population: { increment: 1 } }";
  const waiting = await launch(
    `selection: { ids: ["1", "2", "3"] }, ${change}`,
    "onConflict: WAIT, mode: ASYNC",
  );
  const over = await launch(`selection: { ids: ["4", "5", "12"] }, ${change}`, "mode: SYNC");
  const page = await open("/tasks");
  await page.evaluate(
    (ids) => sessionStorage.setItem("powercrud.watched", JSON.stringify(ids)),
    [waiting, over],
  );
  await page.reload();
  await page.locator(`[data-tray="${waiting}"]`).waitFor();
  await page.locator(`[data-task="${over}"]`).getByText("3 of 3 · 1 failed").waitFor();
  await look(page, "tasks");
  await page.getByRole("button", { name: "Narrow the menu" }).click();
  await page.locator(`[data-tray="${over}"]`).getByRole("link").click();
  await page.getByText("Locks released").waitFor();
  await look(page, "task-over");
  await page.getByRole("button", { name: "Dismiss", exact: true }).first().click();
  await page.locator(`[data-tray="${waiting}"]`).getByRole("link").click();
  await page.locator("[data-blocker]").waitFor();
  await look(page, "task-waiting");
  await page.setViewportSize(NARROW);
  await page.getByRole("button", { name: "Menu", exact: true }).click();
  await page.getByRole("dialog").getByRole("link", { name: "Health" }).waitFor();
  await look(page, "narrow-menu");
  expect(found.splice(0)).toEqual([]);
  await page.close();
}, 240_000);

it("nothing on the pages about files is", async () => {
  const page = await open("/imports");
  await page.getByRole("combobox", { name: "What is in the file?" }).waitFor();
  await look(page, "imports");
  await page.goto(`${world.service.url}/dashboard/imports/Country`);
  await page.getByRole("button", { name: "Choose a file" }).waitFor();
  await look(page, "import-no-file");
  const text = "code,name,part\nXC,C,EUROPE\nXD,D,NOWHERE\n";
  await chooseFile(page, "Choose a file", "countries.csv", text);
  await page.getByText('No field is called "part".').waitFor();
  await look(page, "import-unknown");
  await page.getByRole("combobox", { name: "part is written to" }).click();
  await page.getByRole("option", { name: "continent", exact: true }).click();
  await page.locator('[data-check-failed="1"]').waitFor();
  await page.getByText("The file is read as CSV").click();
  await page.getByRole("combobox", { name: "Encoding" }).waitFor();
  await look(page, "import-checked");
  await page.getByRole("button", { name: "Import countries.csv" }).click();
  await page.locator("[data-failed-line]").first().waitFor();
  await look(page, "import-over");
  expect(found.splice(0)).toEqual([]);
  await page.close();
}, 240_000);

it("nothing on the other pages is", async () => {
  await launch(
    `selection: { ids: ["7"] }, data: { notes: { set: "x" } }`,
    "notify: [{ channel: IN_APP }], mode: SYNC",
  );
  const page = await open("/notifications");
  await page.locator("[data-notification]").first().waitFor();
  await look(page, "notifications");
  await page.goto(`${world.service.url}/dashboard/schedules`);
  await page.locator("[data-schedule]").waitFor();
  await look(page, "schedules");
  await page.goto(`${world.service.url}/dashboard/health`);
  await page.getByRole("cell", { name: "Database", exact: true }).waitFor();
  await look(page, "health");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("textbox", { name: "Key or token" }).fill("nonsense");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await look(page, "sign-in");
  expect(found.splice(0)).toEqual([]);
  await page.close();
}, 240_000);

it("a page runs only the service's own scripts, by its content security policy", async () => {
  const [one, other] = [await readPolicy(), await readPolicy()];
  expect(one.nonce).toMatch(/^[\w+/]{22}==$/);
  expect(other.nonce).not.toBe(one.nonce);
  expect(one.directives).toEqual({
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": `'self' 'nonce-${one.nonce}'`,
    "style-src-attr": "'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
  });
});

/** What a page of the dashboard may load, and the nonce that is in the page, too. */
async function readPolicy(): Promise<{ nonce: string; directives: Readonly<Record<string, string>> }> {
  const answer = await fetch(`${world.service.url}/dashboard/records/City`);
  const policy = answer.headers.get("content-security-policy") ?? "";
  const nonce = /'nonce-([^']*)'/.exec(policy)?.[1] ?? "";
  expect(await answer.text()).toContain(`"${nonce}"`);
  const directives = policy.split("; ").map((part) => {
    const [name = "", ...sources] = part.split(" ");
    return [name, sources.join(" ")] as const;
  });
  return { nonce, directives: Object.fromEntries(directives) };
}

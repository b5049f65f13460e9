import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { Client } from "pg";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { createService, defineConfig } from "../../src/index.ts";
import { useDashboard } from "../support/dashboard-world.ts";
import { openTestPage } from "../support/test-browser.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { generateFixture } from "./models/generate-fixture.ts";

const CITIES = 300;
const BLUE = "01890a5d-ac96-774b-bcce-b302099a8001";

const world = useDashboard(CITIES);

beforeAll(async () => {
  await world.sql.query("INSERT INTO country (code, name, continent) VALUES ('DE', 'Germany', 'EUROPE')");
  await world.sql.query("INSERT INTO tag (id, label) VALUES ($1, 'blue')", [BLUE]);
  await world.sql.query(
    "UPDATE city SET population = id, country_code = CASE WHEN id > 200 THEN 'DE' ELSE 'FR' END",
  );
});

const total = (page: Page, count: number): Locator => page.locator(`[data-total="${count}"]`);
const row = (page: Page, id: number): Locator => page.locator(`[data-record="${id}"]`);

async function choose(page: Page, control: Locator, option: string): Promise<void> {
  await control.click();
  await page.getByRole("option", { name: option, exact: true }).click();
}

/** Finds a record by its name, in a control that searches. */
async function find(page: Page, control: Locator, text: string, option: string): Promise<void> {
  await control.fill(text);
  await page.getByRole("option", { name: option, exact: true }).click();
  await control.press("Tab");
}

/** Opens the form of a filter, and says which fields lead to the value, each with what is asked about it. */
async function ask(page: Page, way: readonly (readonly [field: string, verb: string])[]): Promise<Locator> {
  await page.getByRole("button", { name: "Add filter" }).click();
  const form = page.getByRole("form", { name: "Filter" });
  for (const [at, [field, verb]] of way.entries()) {
    await choose(page, form.getByRole("combobox", { name: "Field" }).nth(at), field);
    await choose(page, form.getByRole("combobox", { name: "What" }).nth(at), verb);
    if (at < way.length - 1) {
      await form.getByRole("checkbox", { name: "with a condition" }).nth(at).check();
    }
  }
  return form;
}

async function finish(form: Locator): Promise<void> {
  await form.getByRole("button", { name: "Filter", exact: true }).click();
  await form.waitFor({ state: "detached" });
}

it("a list is filtered by values, by emptiness and by other records, and the address keeps it", async () => {
  const { page, faults } = await world.open("/records/City");
  await total(page, CITIES).waitFor();
  const country = await ask(page, [["Country code", "is"]]);
  await find(page, country.getByRole("combobox", { name: "Value" }), "germ", "Germany (DE)");
  await finish(country);
  await total(page, 100).waitFor();
  const population = await ask(page, [["Population", "is less than"]]);
  await population.getByRole("textbox", { name: "Value" }).fill("51");
  await finish(population);
  await total(page, 0).waitFor();
  await page.getByText("One holds").click();
  await total(page, 150).waitFor();
  await finish(await ask(page, [["Notes", "is not empty"]]));
  await total(page, 150).waitFor();
  await page.getByRole("button", { name: "Remove the filter: Notes is not empty" }).click();
  await page.getByText("Country code is Germany (DE)").click();
  const changed = page.getByRole("form", { name: "Filter" });
  await choose(page, changed.getByRole("combobox", { name: "What" }), "is not");
  await finish(changed);
  await total(page, 200).waitFor();
  await page.reload();
  await total(page, 200).waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

it("a related record is chosen by its name, first of all, and the filter says its name", async () => {
  const { page, faults } = await world.open("/records/City");
  await total(page, CITIES).waitFor();
  await page.getByRole("button", { name: "Add filter" }).click();
  const form = page.getByRole("form", { name: "Filter" });
  await choose(page, form.getByRole("combobox", { name: "Field" }), "Country");
  await find(page, form.getByRole("combobox", { name: "Value" }), "fran", "France (FR)");
  await finish(form);
  await total(page, 200).waitFor();
  await page.getByText("Country is France (FR)").click();
  const value = form.getByRole("combobox", { name: "Value" });
  await expect.poll(() => value.inputValue()).toBe("France (FR)");
  await choose(page, form.getByRole("combobox", { name: "What" }), "is not");
  await finish(form);
  await total(page, 100).waitFor();
  await page.getByText("Country is not France (FR)").waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

it("a list is filtered by what holds for related records", async () => {
  const { page, faults } = await world.open("/records/Country");
  await total(page, 2).waitFor();
  const cities = await ask(page, [
    ["Cities", "has one where"],
    ["Population", "is one of"],
  ]);
  await cities.getByRole("combobox", { name: "Value" }).fill("250");
  await page.keyboard.press("Enter");
  await cities.getByRole("combobox", { name: "Value" }).fill("260");
  await page.keyboard.press("Enter");
  await finish(cities);
  await total(page, 1).waitFor();
  await page.getByText("Cities has one where population is one of 250, 260").waitFor();
  expect(await page.locator('[data-record="DE"]').count()).toBe(1);
  expect(faults).toEqual([]);
  await page.close();
});

it("figures of all records that match stand below the table once they are asked for", async () => {
  const { page } = await world.open("/records/City?q=City");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.postData() ?? ""));
  await total(page, CITIES).waitFor();
  expect(asked.filter((body) => body.includes("query Figures"))).toEqual([]);
  await page.getByRole("button", { name: "Totals" }).click();
  await page.locator("[data-figure=sum]").getByText("45,150", { exact: true }).waitFor();
  await page.locator("[data-figure=avg]").getByText("150.5", { exact: true }).waitFor();
  await page.locator("[data-figure=max]").getByText("300", { exact: true }).waitFor();
  await page.close();
});

it("a view is saved, chosen, shared and deleted", async () => {
  const { page, faults } = await world.open(
    `/records/City?sort=name&down=true&filter=${encodeURIComponent('[{"field":"population","verb":"lte","value":10}]')}`,
  );
  await total(page, 10).waitFor();
  const menu = (name: string): Locator => page.getByRole("button", { name, exact: true });
  await menu("Views").click();
  await page.getByRole("menuitem", { name: "Save this view…" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("Small ones");
  await page.getByRole("button", { name: "Save the view" }).click();
  await menu("Small ones").waitFor();

  // Another tab, which has not seen it, finds it.
  await page.goto(`${world.service.url}/dashboard/records/City`);
  await total(page, CITIES).waitFor();
  await menu("Views").click();
  await page.getByRole("menuitem", { name: "Small ones" }).click();
  await total(page, 10).waitFor();
  expect(await page.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort")).toBe("descending");
  await menu("Small ones").click();
  await page.getByRole("menuitem", { name: "Rename, share or delete" }).click();
  await page.getByRole("checkbox", { name: "Share it with all who may see these records" }).check();
  await page.getByRole("button", { name: "Save the view" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const { rows } = await world.sql.query("SELECT name, is_shared FROM powercrud.saved_view");
  expect(rows).toEqual([{ name: "Small ones", is_shared: true }]);

  await menu("Small ones").click();
  await page.getByRole("menuitem", { name: "Rename, share or delete" }).click();
  await page.getByRole("button", { name: "Delete the view" }).click();
  await menu("Views").waitFor();
  expect((await world.sql.query("SELECT FROM powercrud.saved_view")).rowCount).toBe(0);
  expect(faults).toEqual([]);
  await page.close();
});

it("a record's page has the records that it is linked with, and leads to all of them", async () => {
  const { page, faults } = await world.open("/records/Country/DE");
  const cities = page.locator("[data-relation=cities]");
  await cities.locator("[data-related]").nth(4).waitFor();
  expect(await cities.locator("[data-related]").count()).toBe(5);
  await cities.getByRole("link", { name: "All 100" }).click();
  await total(page, 100).waitFor();
  await page.getByText("Country is Germany (DE)").waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

it("columns that are chosen stay chosen in this browser", async () => {
  const { page } = await world.open("/records/Tag");
  await page.getByText("blue").waitFor();
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Cities" }).click();
  await page.getByRole("columnheader", { name: "Cities" }).waitFor({ state: "detached" });
  await page.goto(`${world.service.url}/dashboard/records/Tag`);
  await page.getByText("blue").waitFor();
  expect(await page.getByRole("columnheader", { name: "Cities" }).count()).toBe(0);
  await page.close();
});

it("a list says why nothing can be done with it, and leads to where something can", async () => {
  const { page, faults } = await world.open("/records/City?q=nowhere");
  await total(page, 0).waitFor();
  const reason = (name: string): Promise<string | null> =>
    page.getByRole("button", { name, exact: true }).getAttribute("aria-description");
  for (const name of ["Edit all 0 cities that match", "Delete all that match", "Export"]) {
    expect(await reason(name)).toBe("No record matches.");
  }
  await page.getByRole("button", { name: "Show all" }).click();
  await total(page, CITIES).waitFor();
  expect(await reason("Edit all 300 cities that match")).toBeNull();
  await page.goto(
    `${world.service.url}/dashboard/records/City?filter=${encodeURIComponent('[{"field":"population","verb":"lte","value":60}]')}`,
  );
  await total(page, 60).waitFor();
  expect(await reason("Previous")).toBe("This is the first page.");
  await page.getByRole("button", { name: "Next" }).click();
  await expect.poll(() => reason("Next")).toBe("This is the last page.");
  await page.getByRole("button", { name: "Previous" }).click();
  await expect.poll(() => reason("Previous")).toBe("This is the first page.");

  await page.goto(`${world.service.url}/dashboard/records/Language`);
  await page.getByRole("button", { name: "Create the first one" }).click();
  await page.getByRole("textbox", { name: "Code" }).fill("fr");
  await page.getByRole("textbox", { name: "Name" }).fill("French");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name: "French" }).waitFor();
  expect((await world.sql.query("SELECT code, name FROM language")).rows).toEqual([
    { code: "fr", name: "French" },
  ]);
  expect(faults).toEqual([]);
  await page.close();
});

it("a change that came first is noticed by whatever name the record tells it, and none where it does not", async () => {
  const { url, sql } = await createDatedService();
  const { page, faults } = await openTestPage(world.browser, url);
  page.setDefaultTimeout(30_000);
  await page.goto(`${url}/dashboard/records/Note/1`);
  const text = page.getByRole("textbox", { name: "Text" });
  const save = page.getByRole("button", { name: "Save" });
  await text.fill("mine");
  await sql.query(`UPDATE "Note" SET text = 'theirs', "modifiedAt" = now()`);
  await save.click();
  const clash = page.locator("[data-clash=text]");
  await clash.getByRole("cell", { name: "theirs", exact: true }).waitFor();
  expect((await sql.query(`SELECT text FROM "Note"`)).rows).toEqual([{ text: "theirs" }]);
  await clash.getByRole("button", { name: "Keep mine" }).click();
  await save.click();
  await page.getByText("Saved.").waitFor();
  expect((await sql.query(`SELECT text FROM "Note"`)).rows).toEqual([{ text: "mine" }]);

  await page.goto(`${url}/dashboard/records/Memo/1`);
  await text.fill("mine");
  await save.click();
  await page.getByText("Saved.").waitFor();
  expect((await sql.query(`SELECT text FROM "Memo"`)).rows).toEqual([{ text: "mine" }]);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("button", { name: "Delete for good" }).click();
  await page.getByText("There are no memos yet.").waitFor();
  expect((await sql.query(`SELECT FROM "Memo"`)).rowCount).toBe(0);
  expect(faults).toEqual([]);
  await page.close();
});

/** A service with the models of dated-models.prisma, a record of each. */
async function createDatedService(): Promise<{ url: string; sql: Client }> {
  const generated = await generateFixture(join(import.meta.dirname, "models/dated-models.prisma"));
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const sql = new Client({ connectionString: database.url });
  await sql.connect();
  onTestFinished(() => sql.end());
  await sql.query(generated.sql ?? "");
  await sql.query(
    `INSERT INTO "Note" VALUES (1, 'before', '2026-01-01'); INSERT INTO "Memo" VALUES (1, 'before')`,
  );
  const service = await createService({
    config: defineConfig({ generated }),
    databaseUrl: database.url,
    settings: { port: 0 },
  });
  await service.start();
  onTestFinished(() => service.stop());
  return { url: service.url, sql };
}

it("many records are linked with others, and many are deleted, with a preview first", async () => {
  const { page } = await world.open("/records/City?q=City");
  await total(page, CITIES).waitFor();
  await page.getByRole("button", { name: "Edit all 300 cities that match" }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("button", { name: "Choose a field to change" }).click();
  await choose(page, drawer.getByRole("combobox", { name: "Field" }), "Tags");
  await choose(page, drawer.getByRole("combobox", { name: "What" }), "add links to");
  await find(page, drawer.getByRole("combobox", { name: "New value of Tags" }), "bl", "blue");
  // Tried while it is typed, on a few of them, and these are called by their names.
  await drawer.getByText("Of the first 10 of 300: 10 would be changed").waitFor();
  await drawer.getByRole("link", { name: "City 5 (5)", exact: true }).waitFor();
  await drawer.getByRole("button", { name: "Change 300 cities" }).click();
  await page.locator("[data-tray]").getByText("300 of 300").waitFor();
  await expect
    .poll(() => page.locator("[data-news][aria-live=polite]").textContent())
    .toBe("Bulk update of City: Done. 300 of 300.");
  expect((await world.sql.query('SELECT count(*)::int AS n FROM "_CityToTag"')).rows).toEqual([{ n: 300 }]);
  // A record's page says which tasks changed it; what was only tried is not there.
  await row(page, 5).getByRole("link").first().click();
  const history = page.locator("[data-history]");
  await history.getByRole("link", { name: "Bulk update of City" }).waitFor();
  await history.getByText("Written").waitFor();
  expect(await history.count()).toBe(1);
  await page.goBack();

  await row(page, 1).getByRole("checkbox").check();
  await row(page, 2).getByRole("checkbox").check();
  await page.getByRole("button", { name: "Delete 2 cities" }).click();
  await drawer.getByRole("button", { name: "Preview" }).click();
  await drawer.getByText("2 would be deleted, 0 would fail, 0 would be left out.").waitFor();
  expect((await world.sql.query("SELECT count(*)::int AS n FROM city")).rows).toEqual([{ n: CITIES }]);
  await drawer.getByRole("button", { name: "Delete 2 cities" }).click();
  await total(page, CITIES - 2).waitFor();
  expect((await world.sql.query("SELECT id FROM city WHERE id < 4 ORDER BY id")).rows).toEqual([{ id: 3 }]);
  await page.close();
});

it("a record's form finds the records that it refers to, and adds and removes links", async () => {
  const { page, faults } = await world.open("/records/City/20");
  const country = page.getByRole("combobox", { name: "Country code" });
  await expect.poll(() => country.inputValue()).toBe("France (FR)");
  await find(page, country, "germ", "Germany (DE)");
  await find(page, page.getByRole("combobox", { name: "Remove from Tags" }), "bl", "blue");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  const tagsOf20 = async (): Promise<unknown> => {
    const linked = await world.sql.query('SELECT "B" AS tag FROM "_CityToTag" WHERE "A" = 20');
    return linked.rows;
  };
  await expect.poll(tagsOf20).toEqual([]);
  // All links are chosen at once, beginning with those that there are.
  await page.getByRole("combobox", { name: "How to change Tags" }).click();
  await page.getByRole("option", { name: "Choose all" }).click();
  await find(page, page.getByRole("combobox", { name: "All Tags" }), "bl", "blue");
  await page.getByRole("button", { name: "Save" }).click();
  await expect.poll(tagsOf20).toEqual([{ tag: BLUE }]);
  const { rows } = await world.sql.query("SELECT country_code FROM city WHERE id = 20");
  expect(rows).toEqual([{ country_code: "DE" }]);
  expect(faults).toEqual([]);
  await page.close();
});

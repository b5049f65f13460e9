import { readFile } from "node:fs/promises";
import type { Download, Locator, Page } from "playwright-core";
import { expect, it } from "vitest";
import { useDashboard } from "../support/dashboard-world.ts";

const CITIES = 30;
const ROWS = 20_000;
const BAD = 37;
/** One row in this many is bad; three of them are among the first hundred. */
const STEP = 40;

const world = useDashboard(CITIES);

/** A file whose fourth header is no field's name, and in which 37 numbers are words. */
function townsFile(): string {
  const rows = Array.from({ length: ROWS }, (_, at) => {
    const isBad = at % STEP === 3 && at < STEP * BAD;
    return `${1000 + at},"Town ${at}, new",FR,${isBad ? "many" : at},48.5,2.5`;
  });
  return ["id,name,Country Code,inhabitants,latitude,longitude", ...rows].join("\r\n");
}

async function dropFile(page: Page, name: string, text: string): Promise<void> {
  const dataTransfer = await page.evaluateHandle(
    ([fileName, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content ?? ""], fileName ?? "", { type: "text/csv" }));
      return transfer;
    },
    [name, text],
  );
  await page.locator(".drop").dispatchEvent("drop", { dataTransfer });
}

async function chooseFile(page: Page, button: string, name: string, text: string): Promise<void> {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: button, exact: true }).click(),
  ]);
  await chooser.setFiles({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
}

async function mapColumn(page: Page, header: string, path: string): Promise<void> {
  await page.getByRole("combobox", { name: `${header} is written to` }).click();
  await page.getByRole("option", { name: path, exact: true }).click();
}

async function downloadBy(page: Page, button: Locator): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: download.suggestedFilename(), text: await readDownload(download) };
}

async function readDownload(download: Download): Promise<string> {
  return readFile(await download.path(), "utf8");
}

async function countTowns(): Promise<number> {
  const { rows } = await world.sql.query("SELECT count(*)::int AS n FROM city WHERE id >= 1000");
  return rows[0].n;
}

it("a dropped file is mapped, checked and imported, and its failed rows are mended and sent again", async () => {
  const { page, faults } = await world.open("/records/City");
  await page.locator("[data-record]").first().waitFor();
  await dropFile(page, "towns.csv", townsFile());
  await page.getByText('No field is called "inhabitants".').waitFor();
  expect(await page.getByRole("button", { name: "Import towns.csv" }).isDisabled()).toBe(true);
  await mapColumn(page, "inhabitants", "population");
  await page.locator('[data-check="100"][data-check-failed="3"]').waitFor();
  expect(await page.getByText('"many" is not a whole number').count()).toBe(3);
  expect(await countTowns()).toBe(0);

  await page.getByRole("button", { name: "Import towns.csv" }).click();
  await page.locator(`[data-written="${ROWS - BAD}"][data-failed="${BAD}"]`).waitFor();
  await page
    .locator("[data-failed-line]")
    .nth(BAD - 1)
    .waitFor();
  expect(await page.locator("[data-failed-line]").count()).toBe(BAD);
  expect(await countTowns()).toBe(ROWS - BAD);
  const failed = await downloadBy(page, page.getByRole("button", { name: "Download them" }));
  expect(failed.text.match(/,many,/g)).toHaveLength(BAD);

  const mended = failed.text.replaceAll(",many,", ",5,");
  await chooseFile(page, "Send the mended rows", failed.name, mended);
  // What was mapped by hand is known from the first time.
  await page.getByText(`All ${BAD} rows can be written.`).waitFor();
  await page.getByRole("button", { name: `Import ${failed.name}` }).click();
  await page.locator(`[data-written="${BAD}"][data-failed="0"]`).waitFor();
  expect(await countTowns()).toBe(ROWS);
  expect(faults).toEqual([]);
  await page.close();
}, 240_000);

it("a file is cancelled while it is on its way, and nothing of it is written", async () => {
  const { page } = await world.open("/imports/City");
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await chooseFile(
    page,
    "Choose a file",
    "few.csv",
    "id,name,countryCode,population,latitude,longitude\n900,A,FR,1,2,3",
  );
  await page.getByText("The only row can be written.").waitFor();
  await page.route("**/imports/*", async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole("button", { name: "Import few.csv" }).click();
  await page.getByText("Receiving and checking.").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("Cancelled").first().waitFor();
  release();
  await page.unrouteAll({ behavior: "wait" });
  const { rows } = await world.sql.query("SELECT FROM city WHERE id = 900");
  expect(rows).toEqual([]);
  await page.close();
});

it("a file that is not separated by commas is read as it is, and what it cannot say is chosen", async () => {
  const { page } = await world.open("/imports/Country");
  await chooseFile(
    page,
    "Choose a file",
    "countries.txt",
    "code;name;continent\nXA;Ä;EUROPE\nXB;B;NOWHERE\n",
  );
  await page.getByText("The file is read as CSV, UTF-8, separated by semicolon").click();
  await page.locator('[data-check="2"][data-check-failed="1"]').waitFor();
  await page.getByRole("combobox", { name: "Encoding" }).click();
  await page.getByRole("option", { name: "Latin 1 (Windows)" }).click();
  await page.getByText("Ã„").waitFor();
  expect(await page.getByText("Ä", { exact: true }).count()).toBe(0);
  await page.getByRole("combobox", { name: "Separator" }).click();
  await page.getByRole("option", { name: "Tab" }).click();
  await page.getByText('No field is called "code;name;continent".').waitFor();
  await page.close();
});

it("a newcomer is shown once what could be tried, and one click tries it without a change", async () => {
  const { page, faults } = await world.open("/records/Country");
  // Countries are fewer; before this, towns may have been added to the cities.
  const { rows } = await world.sql.query("SELECT count(*)::int AS n, sum(population)::int AS sum FROM city");
  const [{ n, sum }] = rows;
  const many = `${n.toLocaleString("en")} cities`;
  await page.getByText(`Try it: preview +1 to the population of all ${many}.`).waitFor();
  await page.getByRole("button", { name: "Show the preview" }).click();
  const drawer = page.getByRole("dialog", { name: `Edit ${many}` });
  await drawer.getByText(`${n.toLocaleString("en")} would be changed, 0 would fail`).waitFor();
  const after = await world.sql.query("SELECT sum(population)::int AS sum FROM city");
  expect(after.rows).toEqual([{ sum }]);
  await page.goto(`${world.service.url}/dashboard/records/City`);
  await page.locator("[data-record]").first().waitFor();
  expect(await page.getByText("Try it:").count()).toBe(0);
  expect(faults).toEqual([]);
  await page.close();
});

it("a filtered list is exported as it is ordered, at once and in the background", async () => {
  await world.sql.query("UPDATE city SET notes = '=1+1' WHERE id = 3");
  const filter = encodeURIComponent(JSON.stringify([{ field: "id", verb: "lte", value: 3 }]));
  const columns = encodeURIComponent(JSON.stringify(["name", "notes", "country"]));
  const { page } = await world.open(`/records/City?filter=${filter}&columns=${columns}&sort=name&down=true`);
  await page.getByRole("button", { name: "Export", exact: true }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("checkbox", { name: "Id", exact: true }).uncheck();
  const file = await downloadBy(page, drawer.getByRole("button", { name: "Download", exact: true }));
  expect(file).toEqual({
    name: "City.csv",
    text: "name,notes,country.name\r\nCity 3,'=1+1,France\r\nCity 2,,France\r\nCity 1,,France\r\n",
  });
  await drawer.getByRole("checkbox", { name: "Put an apostrophe in front of formulas" }).uncheck();
  await drawer.getByRole("button", { name: "Write it in the background" }).click();
  const written = await downloadBy(page, drawer.getByRole("button", { name: "Download the file" }));
  expect(written.text).toBe(file.text.replace("'=1+1", "=1+1"));
  await page.close();
});

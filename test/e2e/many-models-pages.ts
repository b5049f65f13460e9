import type { Page } from "playwright-core";
import { openTestPage, startTestBrowser } from "../support/test-browser.ts";

/** The records of the first model: `thing-1` and so on. The other models have none. */
export const MANY = 60;

/**
 * Visits every page of a dashboard that serves the schema of {@link manyModels}, and does what can be done there. Gives what was to be read on each.
 * @throws where a page does not show what it must, or has an error
 */
export async function visitEveryPage(url: string): Promise<readonly string[]> {
  const browser = await startTestBrowser();
  try {
    const { page, faults } = await openTestPage(browser, url);
    page.setDefaultTimeout(60_000);
    const seen: string[] = [];
    const note = async (): Promise<void> => void seen.push(await page.locator("body").innerText());
    await page.goto(`${url}/dashboard/`);
    await visitRecords(page, note);
    await followBulkUpdate(page, note);
    await visitImports(page, note);
    for (const [name, text] of OTHERS) {
      await page.getByRole("link", { name, exact: true }).click();
      await page.getByText(text).first().waitFor();
      await note();
    }
    if (faults.length > 0) {
      throw new Error(faults.join("\n"));
    }
    return seen;
  } finally {
    await browser.close();
  }
}

const OTHERS = [
  ["Schedules", "No task launches by itself"],
  ["Notifications", "Nothing to tell"],
  ["Health", "PostgreSQL answers."],
] as const;

type Note = () => Promise<void>;

async function visitRecords(page: Page, note: Note): Promise<void> {
  await page.locator(`[data-total="${MANY}"]`).waitFor();
  await page.getByText(`Try it: preview +1 to the count of all ${MANY} modelaas.`).waitFor();
  await note();
  await page.getByRole("link", { name: "Thing 1", exact: true }).click();
  await page.getByRole("textbox", { name: "Slug" }).waitFor();
  await note();
  await page.getByRole("searchbox", { name: "Find a model" }).fill("modeldb");
  await page.getByRole("link", { name: "Modeldbs" }).click();
  await page.getByText("There are no modeldbs yet.").waitFor();
  await note();
  await page.getByRole("button", { name: "New", exact: true }).click();
  await page.getByRole("textbox", { name: "Title" }).waitFor();
  await note();
  await page.getByRole("searchbox", { name: "Find a model" }).fill("modelaa");
  await page.getByRole("link", { name: "Modelaas" }).click();
}

/** A preview, its launch, the corner, the list of tasks and the task's page. */
async function followBulkUpdate(page: Page, note: Note): Promise<void> {
  await page.getByRole("button", { name: "Show the preview" }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByText(`${MANY} would be changed, 0 would fail`).waitFor();
  await note();
  await drawer.getByRole("button", { name: `Change ${MANY} modelaas` }).click();
  await page.locator("[data-tray]").getByText("Done", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Tasks", exact: true }).click();
  await page.locator("[data-task]").first().waitFor();
  await note();
  await page.locator("[data-tray]").getByRole("link").click();
  await page.getByText("Locks released").waitFor();
  await note();
}

async function visitImports(page: Page, note: Note): Promise<void> {
  await page.getByRole("link", { name: "Imports", exact: true }).click();
  await page.getByRole("combobox", { name: "What is in the file?" }).fill("modelaa");
  await note();
  await page.getByRole("option", { name: "Modelaas" }).click();
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Choose a file" }).click(),
  ]);
  const buffer = Buffer.from(
    "Slug,TITLE,count,updatedAt\nthing-1,First,7,2026-01-01T00:00:00Z\nthing-new,New,8,2026-01-01T00:00:00Z\n",
  );
  await chooser.setFiles({ name: "things.csv", mimeType: "text/csv", buffer });
  await page.getByText("All 2 rows can be written.").waitFor();
  await note();
  await page.getByRole("button", { name: "Import things.csv" }).click();
  await page.locator('[data-written="2"]').waitFor();
  await note();
}

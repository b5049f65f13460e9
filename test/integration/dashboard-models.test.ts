import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, expect, it } from "vitest";
import { defineConfig } from "../../src/index.ts";
import { useDashboard } from "../support/dashboard-world.ts";
import { manyModels } from "../support/many-models.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { generateFixture } from "./models/generate-fixture.ts";

const MODELS = 80;
const RECORDS = 60;
const DEMO_WORDS = /\b(?:cit(?:y|ies)|countr(?:y|ies)|population|inhabitants)\b/i;

const cleanUps: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const cleanUp of cleanUps) {
    await cleanUp();
  }
});

const world = useDashboard(async (sql) => {
  const folder = await createTemporaryFolder("dashboard-models");
  const file = join(folder.path, "schema.prisma");
  await writeFile(file, manyModels(MODELS));
  const generated = await generateFixture(file);
  cleanUps.push(
    () => generated.remove(),
    () => folder.remove(),
  );
  await sql.query(generated.sql ?? "");
  await sql.query(
    `INSERT INTO modelaa (title, slug, count, updated_at)
     SELECT 'Thing ' || i, 'thing-' || i, i, now() FROM generate_series(1, ${RECORDS}) i`,
  );
  return defineConfig({ generated });
});

async function seenBy(page: Page): Promise<string> {
  return page.locator("body").innerText();
}

it(`every page serves a schema of ${MODELS} models that nobody knew before`, async () => {
  const { page, faults } = await world.open("/");
  const texts: string[] = [];
  const note = async (): Promise<void> => void texts.push(await seenBy(page));
  await page.locator(`[data-total="${RECORDS}"]`).waitFor();
  await page.getByText(`Try it: preview +1 to the count of all ${RECORDS} model aas.`).waitFor();
  await note();
  await page.getByRole("textbox", { name: "Find a model" }).fill("model db");
  await page.getByRole("link", { name: "Model dbs" }).click();
  await page.getByText("There are no model dbs yet.").waitFor();
  await note();

  await page.getByRole("button", { name: "New", exact: true }).click();
  await page.getByRole("textbox", { name: "Title" }).waitFor();
  await note();
  await page.goto(`${world.service.url}/dashboard/records/ModelAa/1`);
  await page.getByRole("textbox", { name: "Slug" }).waitFor();
  await note();

  await page.goto(`${world.service.url}/dashboard/records/ModelAa`);
  await page.getByRole("button", { name: "Show the preview" }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByText(`${RECORDS} would be changed, 0 would fail`).waitFor();
  await note();
  await drawer.getByRole("button", { name: `Change ${RECORDS} model aas` }).click();
  await page.locator("[data-tray]").getByText("Done", { exact: true }).waitFor();
  await page.locator("[data-tray]").getByRole("link").first().click();
  await page.getByText("Locks released").waitFor();
  await note();
  await page.getByRole("link", { name: "Tasks", exact: true }).click();
  await page.locator("[data-task]").first().waitFor();
  await note();

  await page.goto(`${world.service.url}/dashboard/imports/ModelAa`);
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Choose a file" }).click(),
  ]);
  const file = Buffer.from("Slug,TITLE,count\nthing-1,First,7\nthing-new,New,8\n");
  await chooser.setFiles({ name: "things.csv", mimeType: "text/csv", buffer: file });
  await page.getByText("All 2 rows can be written.").waitFor();
  await note();
  await page.getByRole("button", { name: "Import things.csv" }).click();
  await page.locator('[data-written="2"]').waitFor();
  await note();

  expect(texts.filter((text) => DEMO_WORDS.test(text))).toEqual([]);
  expect(faults).toEqual([]);
  const { rows } = await world.sql.query(
    "SELECT title, count FROM modelaa WHERE slug IN ($1, $2) ORDER BY slug",
    ["thing-1", "thing-new"],
  );
  expect(rows).toEqual([
    { title: "First", count: 7 },
    { title: "New", count: 8 },
  ]);
  await page.close();
}, 240_000);

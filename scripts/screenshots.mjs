// Draws the pictures of the README and docs/dashboard.md: starts the service on the demo, in a database of its own, looks at it
// with the browser of this machine, and writes docs/pictures/.
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { BROWSER_NAMES, findProgram } from "../test/support/find-program.mjs";
import { animatedWebp } from "./animated-webp.mjs";

const ROOT = resolve(import.meta.dirname, "..");
const PICTURES = join(ROOT, "docs/pictures");
const SIZE = { width: 1280, height: 760 };
const MOVING_SIZE = { width: 1040, height: 640 };
/** France's records, for pictures in which something is filtered. */
const FRENCH = [{ field: "countryCode", verb: "equals", value: "FR" }];
/** A machine may be busy. */
const PATIENCE_MS = 120_000;
const FRAME_MS = 100;
const LAST_FRAME_MS = 3000;
const READING_MS = 1600;

/** @typedef {import("playwright-core").Page} Page */

const folder = mkdtempSync(join(tmpdir(), "powercrud-pictures-"));
// When root draws them, PostgreSQL runs as another user, who must be able to enter.
chmodSync(folder, 0o755);
const service = spawn(process.execPath, [join(ROOT, "scripts/bootstrap.mjs"), "start"], {
  cwd: ROOT,
  // Small chunks take long enough to be seen running.
  env: {
    ...process.env,
    PORT: "0",
    POWERCRUD_DATA_DIR: join(folder, "data"),
    POWERCRUD_CHUNK_RECORDS: "1000",
  },
  stdio: ["ignore", "pipe", "inherit"],
});
const ended = new Promise((done) => service.once("exit", done));
try {
  const url = await untilReady();
  mkdirSync(PICTURES, { recursive: true });
  const executablePath = findProgram(BROWSER_NAMES);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    await drawPictures(browser, url, colorScheme);
  }
  await drawMoving(browser, url);
  await browser.close();
} finally {
  service.kill("SIGTERM");
  await ended;
  rmSync(folder, { recursive: true, force: true });
}

/** @returns {Promise<string>} the address */
async function untilReady() {
  for await (const line of createInterface({ input: service.stdout })) {
    const [, url] = /^ready (http:\S+)/.exec(line) ?? [];
    if (url !== undefined) {
      service.stdout.resume();
      return url;
    }
  }
  throw new Error("the service ended before it was ready");
}

/**
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 * @param {"light" | "dark"} colorScheme
 */
async function drawPictures(browser, url, colorScheme) {
  const page = await browser.newPage({ viewport: SIZE, colorScheme });
  page.setDefaultTimeout(PATIENCE_MS);
  const draw = (/** @type {string} */ name) =>
    page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`), animations: "disabled" });
  await page.addInitScript(() => localStorage.setItem("powercrud.hint", "seen"));
  const filter = encodeURIComponent(JSON.stringify(FRENCH));
  await page.goto(`${url}/dashboard/records/City?filter=${filter}&sort=population&down=true`);
  await untilDrawn(page);
  await draw("records");

  await page.goto(`${url}/dashboard/records/City?filter=${filter}&sort=population&down=true&try=population`);
  await page.locator('[data-preview="over"] table').waitFor();
  await draw("preview");

  const record = page.locator("[data-record]").first().getByRole("link").first();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await record.click();
  await page.getByRole("button", { name: "Save" }).waitFor();
  await page.waitForTimeout(300);
  await draw("record");

  await page.goto(`${url}/dashboard/records/City?try=population`);
  await page.locator('[data-preview="over"] table').waitFor();
  await page.getByRole("button", { name: /^Change [\d,]+ cities$/ }).click();
  await page.locator("[data-tray]").getByRole("link").first().click();
  await page.getByText("Timeline").waitFor();
  await page.getByText("Running", { exact: true }).first().waitFor();
  await page.waitForTimeout(900);
  await draw("task");
  await page.getByText("Locks released").waitFor();
  await page.close();
}

/** @param {Page} page */
async function untilDrawn(page) {
  await page.locator("[data-record]").nth(10).waitFor();
  await page.waitForTimeout(300);
}

/**
 * From the hint to a followed bulk update.
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 */
async function drawMoving(browser, url) {
  const page = await browser.newPage({ viewport: MOVING_SIZE, colorScheme: "light" });
  page.setDefaultTimeout(PATIENCE_MS);
  /** @type {{png: Buffer, ms: number}[]} */
  const frames = [];
  const shoot = async (ms = FRAME_MS) => {
    frames.push({ png: await page.screenshot(), ms });
  };
  await page.goto(url);
  await untilDrawn(page);
  await page.getByText("Try it:").waitFor();
  await shoot(READING_MS);
  await page.getByRole("button", { name: "Show the preview" }).hover();
  await shoot(400);
  await page.getByRole("button", { name: "Show the preview" }).click();
  const preview = page.locator('[data-preview="over"] table');
  while (!(await preview.isVisible())) {
    await shoot();
  }
  await shoot(READING_MS);
  const launch = page.getByRole("button", { name: /^Change [\d,]+ cities$/ });
  await launch.hover();
  await shoot(400);
  await launch.click();
  const done = page.locator("[data-tray]").getByText("Done", { exact: true });
  while (!(await done.isVisible())) {
    await shoot(FRAME_MS * 2);
    await page.waitForTimeout(FRAME_MS * 2);
  }
  await page.waitForTimeout(700);
  await shoot(LAST_FRAME_MS);
  writeFileSync(join(PICTURES, "first-minute.webp"), await animatedWebp(page, frames));
  await page.close();
}

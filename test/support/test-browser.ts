import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { BROWSER_NAMES, findProgram } from "./find-program.mjs";

/** A page that can reach only its service. */
export interface TestPage {
  readonly page: Page;
  /** Errors of its scripts and console, and requests to elsewhere. */
  readonly faults: readonly string[];
}

/** A headless browser. The caller must close it. */
export async function startTestBrowser(): Promise<Browser> {
  const executablePath = findProgram(BROWSER_NAMES);
  if (executablePath === undefined) {
    throw new Error(`this test needs a browser: ${BROWSER_NAMES.join(" or ")}`);
  }
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Opens a page that can reach only the server, and notes its other requests. */
export async function openTestPage(
  browser: Browser,
  serverUrl: string,
  options: BrowserContextOptions = {},
): Promise<TestPage> {
  const page = await browser.newPage(options);
  const faults: string[] = [];
  const own = new URL(serverUrl).host;
  await page.route("**/*", (route) => {
    const url = new URL(route.request().url());
    if (url.host === own || ["data:", "blob:"].includes(url.protocol)) {
      return route.continue();
    }
    faults.push(`request to ${url.href}`);
    return route.abort();
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") {
      faults.push(`console: ${message.text()}`);
    }
  });
  return { page, faults };
}

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { buildSchema } from "graphql";
import type { Browser, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { BROWSER_NAMES, findProgram } from "../support/find-program.mjs";
import { startServerFixture, type ServerFixture } from "./server-fixture.ts";

let browser: Browser;
let fixture: ServerFixture;

beforeAll(async () => {
  const executablePath = findProgram(BROWSER_NAMES);
  if (executablePath === undefined) {
    throw new Error(`this test needs a browser: ${BROWSER_NAMES.join(" or ")}`);
  }
  browser = await chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  fixture = await startServerFixture();
});
afterAll(async () => {
  await browser.close();
  await fixture.stop();
});

/** A page that can reach only the server, and notes its other requests. */
async function openPage(
  serverUrl = fixture.server.url,
): Promise<{ readonly page: Page; readonly faults: readonly string[] }> {
  const page = await browser.newPage();
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

/** The result that GraphiQL shows for the operation in the address, once it contains the text. */
async function resultWith(page: Page, text: string): Promise<string> {
  const result = page.locator(".graphiql-response");
  await result.getByText(text).first().waitFor({ timeout: 20_000 });
  return (await result.innerText()).replaceAll("\u00a0", " ");
}

function addressOf(query: string): string {
  return `${fixture.server.url}/graphql?query=${encodeURIComponent(query)}`;
}

it("runs a query and a subscription in GraphiQL, which loads nothing from elsewhere", async () => {
  const id = await fixture.tasks.create();
  const { page, faults } = await openPage();
  await page.goto(addressOf(`{ task(id: "${id}") { kind status } }`));
  expect(await page.title()).toBe("powercrud-graphql");
  const execute = page.getByRole("button", { name: /execute query/i });
  await execute.click();
  expect(await resultWith(page, "PENDING")).toContain("bulkUpdate");

  const sockets: string[] = [];
  page.on("websocket", (socket) => sockets.push(socket.url()));
  await page.goto(addressOf(`subscription { taskProgress(id: "${id}") { status progress { processed } } }`));
  await execute.click();
  await resultWith(page, "PENDING");
  await fixture.tasks.start(id);
  await resultWith(page, "RUNNING");
  await fixture.tasks.progress(id, 40);
  await resultWith(page, "40");
  await fixture.tasks.settle(id);
  await resultWith(page, "SUCCEEDED");
  // The documentation comes from introspection.
  await page.getByRole("button", { name: /show documentation explorer/i }).click();
  await page.getByText("taskProgress").first().waitFor();
  expect(sockets).toEqual([`${fixture.server.url.replace("http", "ws")}/graphql`]);
  expect(faults).toEqual([]);
});

it("opens with examples, one in each tab", async () => {
  const schema = buildSchema(await readFile(resolve(import.meta.dirname, "../../schema.graphql"), "utf8"));
  const { server, stop } = await startServerFixture({ schema });
  onTestFinished(stop);
  const { page, faults } = await openPage(server.url);
  await page.goto(`${server.url}/graphql`);
  for (const tab of [/^TryBulkUpdate/, /^Watch/, /^NewestTasks/, /^List/]) {
    await page.getByRole("button", { name: tab }).click();
    await page.getByRole("tab", { name: tab, selected: true }).waitFor();
  }
  expect(faults).toEqual([]);
});

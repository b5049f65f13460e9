import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { buildSchema } from "graphql";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { TestPage } from "../support/test-browser.ts";
import { openTestPage, startTestBrowser } from "../support/test-browser.ts";
import { startServerFixture, type ServerFixture } from "./server-fixture.ts";

let browser: Browser;
let fixture: ServerFixture;

beforeAll(async () => {
  browser = await startTestBrowser();
  fixture = await startServerFixture();
});
afterAll(async () => {
  await browser.close();
  await fixture.stop();
});

const openPage = (serverUrl = fixture.server.url): Promise<TestPage> => openTestPage(browser, serverUrl);

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

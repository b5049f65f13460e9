import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { Client } from "pg";
import { afterAll, beforeAll } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrudService } from "../../src/index.ts";
import { createService, defineConfig } from "../../src/index.ts";
import { insertCities } from "./insert-cities.ts";
import type { TestPage } from "./test-browser.ts";
import { openTestPage, startTestBrowser } from "./test-browser.ts";
import type { TestDatabase } from "./test-database.ts";
import { createTestDatabase } from "./test-database.ts";

/** A service on a database of its own, and a browser. */
export interface DashboardWorld {
  readonly service: PowerCrudService;
  readonly databaseUrl: string;
  readonly sql: Client;
  readonly browser: Browser;
  /** Opens a page of the dashboard: `/records/City`. */
  open(path: string, options?: BrowserContextOptions): Promise<TestPage>;
}

type ServiceOptions = Parameters<typeof createService>[0];
type Config = ReturnType<typeof defineConfig>;

/** Fills the database, and says which models are served. */
type Preparation = (sql: Client) => Promise<Config>;

const PREPARATION_MS = 300_000;

/**
 * Starts one for the tests of a file.
 * @param given how many cities of France the demo has, with the ids from 1 on; or what fills the database
 * @param settings default: nobody needs to sign in
 */
export function useDashboard(
  given: number | Preparation,
  settings: ServiceOptions["settings"] = {},
): DashboardWorld {
  let browser: Browser;
  let database: TestDatabase;
  let sql: Client;
  let service: PowerCrudService;
  beforeAll(async () => {
    browser = await startTestBrowser();
    database = await createTestDatabase();
    sql = new Client({ connectionString: database.url });
    await sql.connect();
    service = await createService({
      config: typeof given === "number" ? await demoWith(sql, given) : await given(sql),
      databaseUrl: database.url,
      settings: { port: 0, progressIntervalMs: 50, ...settings },
    });
    await service.start();
    // To generate the code of many models takes long on a busy machine.
  }, PREPARATION_MS);
  afterAll(async () => {
    await browser.close();
    await service.stop();
    await sql.end();
    await database.drop();
  });
  return {
    get service() {
      return service;
    },
    get databaseUrl() {
      return database.url;
    },
    get sql() {
      return sql;
    },
    get browser() {
      return browser;
    },
    async open(path, options = {}) {
      const opened = await openTestPage(browser, service.url, options);
      opened.page.setDefaultTimeout(30_000);
      await opened.page.goto(`${service.url}/dashboard${path}`);
      return opened;
    },
  };
}

async function demoWith(sql: Client, cities: number): Promise<Config> {
  await insertCities(sql, cities);
  return defineConfig(demoConfig);
}

/**
 * What axe finds of serious faults for people who cannot see the page well; empty for none.
 * @param rules default: all of its rules
 */
export async function seriousFaults(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) {
    await page.evaluate(await readFile(AXE, "utf8"));
  }
  return page.evaluate(runAxe, rules);
}

const AXE = resolve(import.meta.dirname, "../../node_modules/axe-core/axe.min.js");

/** Runs in the page, where axe was loaded. */
async function runAxe(rules: readonly string[] | undefined): Promise<readonly string[]> {
  const { axe } = globalThis as unknown as {
    readonly axe: {
      run(options: object): Promise<{
        violations: { id: string; impact: string; nodes: { html: string }[] }[];
      }>;
    };
  };
  // Of what is right, nobody reads anything.
  const { violations } = await axe.run({
    resultTypes: ["violations"],
    ...(rules === undefined ? {} : { runOnly: rules }),
  });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

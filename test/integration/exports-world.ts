import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { get } from "node:http";
import pg from "pg";
import { expect } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrudService, ServiceOptions } from "../../src/index.ts";
import { createService, defineConfig, migrateDatabase } from "../../src/index.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

/** Enough that the connections' buffers cannot hold a file of them. */
export const CITIES = 8_000;

export let database: TestDatabase;
export let sql: pg.Client;
/** A session outside of the transaction that holds the table. */
export let watch: pg.Client;
export let service: PowerCrudService;
export const audited: object[] = [];

/** Makes the database and a service. Commands refuse a database without a history of migrations. */
export async function startWorld({ hasHistory = false } = {}): Promise<void> {
  database = await createTestDatabase({ isEmpty: hasHistory });
  if (hasHistory) {
    await migrateDatabase({ databaseUrl: database.url, projectDir: process.cwd() });
  }
  sql = new pg.Client(database.url);
  watch = new pg.Client(database.url);
  await Promise.all([sql.connect(), watch.connect()]);
  await sql.query(
    `INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE'), ('DE', 'Germany', 'EUROPE')`,
  );
  await sql.query(`INSERT INTO tag (id, label) VALUES ('00000000-0000-7000-8000-00000000000a', 'old')`);
  await sql.query(
    `INSERT INTO city (id, name, country_code, population, latitude, longitude, notes, updated_at) VALUES
       (1, 'Paris', 'FR', 2000000, 48.85, 2.35, '=1+1', '2026-01-31T12:00:00.12Z'),
       (2, 'Lyon, "la grande"', 'FR', 500000, 45.75, 4.85, '', '2026-01-31T12:00:00Z'),
       (3, 'Berlin', 'DE', 3000000, 52.5, 1e-7, NULL, '2026-01-31T12:00:00Z')`,
  );
  await sql.query(`INSERT INTO "_CityToTag" VALUES (1, '00000000-0000-7000-8000-00000000000a')`);
  await sql.query(
    `INSERT INTO city (id, name, country_code, population, latitude, longitude, notes)
     SELECT 1000 + i, 'Many ' || i, 'FR', 0, 0, 0, repeat('x', 3000) FROM generate_series(1, $1::int) i`,
    [CITIES],
  );
  service = await serve();
}

export async function stopWorld(): Promise<void> {
  await service.stop();
  await Promise.all([sql.end(), watch.end()]);
  await database.drop();
}

/** Only the role `all` sees notes and Germany, and only it and `cities` see cities that are not French. */
/** A viewer who may read everything. */
const isAll = ({ viewer }: { readonly viewer: { readonly roles: readonly string[] } }): boolean =>
  viewer.roles.includes("all");

export const config = defineConfig({
  ...demoConfig,
  models: {
    ...demoConfig.models,
    City: {
      search: ["name"],
      access: {
        read: (question) =>
          isAll(question) || question.viewer.id === "cities" || { countryCode: { equals: "FR" } },
        fields: { notes: { read: isAll } },
      },
    },
    Country: { access: { read: (question) => isAll(question) || { code: { equals: "FR" } } } },
    Language: { access: { read: isAll } },
    Tag: {},
  },
});

export async function serve(
  settings: ServiceOptions["settings"] = {},
  as: "serve" | "start" = "serve",
): Promise<PowerCrudService> {
  const made = await createService({
    config,
    databaseUrl: database.url,
    role: as,
    settings: { port: 0, ...settings },
    auditLogger: { debug() {}, info: (fields) => void audited.push(fields), warn() {}, error() {} },
    authenticate({ headers }) {
      const given = headers.get("x-role");
      return given === null ? null : { id: given, roles: [given] };
    },
  });
  await made.start();
  return made;
}

interface Asked {
  readonly role?: string;
  readonly at?: PowerCrudService;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

export function urlOf(file: string, query: Record<string, unknown>, at = service): string {
  const texts = Object.entries(query).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return `${at.url}/exports/${file}?${new URLSearchParams(Object.fromEntries(texts) as Record<string, string>)}`;
}

export function ask(file: string, query: Record<string, unknown> = {}, asked: Asked = {}): Promise<Response> {
  const { role = "all", at, method = "GET", headers = {} } = asked;
  return fetch(urlOf(file, query, at), { method, headers: { "x-role": role, ...headers } });
}

export async function read(
  file: string,
  query: Record<string, unknown> = {},
  asked: Asked = {},
): Promise<string> {
  const response = await ask(file, query, asked);
  expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-store"]);
  return response.text();
}

export async function refused(
  file: string,
  query: Record<string, unknown> = {},
  asked: Asked = {},
): Promise<string> {
  const response = await ask(file, query, asked);
  const { errors } = (await response.json()) as {
    errors: { message: string; extensions: { code: string } }[];
  };
  return `${response.status} ${errors[0]?.extensions.code} ${errors[0]?.message}`;
}

/** A request whose answer is read no further than its head until the test does. */
export async function begin(at = service): Promise<IncomingMessage> {
  const request = get(urlOf("City.csv", {}, at), { headers: { "x-role": "all" } });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.pause();
  return response;
}

export async function untilBackends(condition: string, count: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { rows } = await watch.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'powercrud files' AND ${condition}`,
    );
    if (rows[0]?.n === count) {
      return;
    }
    expect(Date.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The first refusal, or the task. */
export async function launch(
  at: PowerCrudService,
  input: object,
  role = "all",
): Promise<Record<string, string>> {
  const query = `mutation ($input: ExportInput!) {
    launchExport(input: $input, options: { mode: ASYNC }) {
      kind: __typename
      ... on TaskLaunched { task { id } }
      ... on Error { code message }
    }
  }`;
  const response = await fetch(`${at.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-role": role },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const { data, errors } = (await response.json()) as {
    data: { launchExport: { kind: string; code?: string; message?: string; task?: { id: string } } };
    errors?: unknown;
  };
  expect(errors).toBeUndefined();
  const { task, ...rest } = data.launchExport;
  return { ...rest, ...task };
}

/** The status of a task's file, and its text. */
export async function fetchFile(
  at: PowerCrudService,
  path: string,
  role = "all",
): Promise<readonly [number, string]> {
  const response = await fetch(`${at.url}${path}`, { headers: { "x-role": role } });
  return [response.status, await response.text()];
}

export const FIRST = { id: { lt: 10 } };

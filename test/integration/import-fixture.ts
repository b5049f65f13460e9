import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrudService, Task } from "../../src/index.ts";
import { createService, defineConfig } from "../../src/index.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

/** The answer to an upload. */
export interface Answer {
  readonly status: number;
  readonly body: {
    readonly task: {
      readonly id: string;
      readonly status: string;
      readonly message: string | null;
      readonly import?: { readonly readOnlyColumns: readonly string[] };
    };
    readonly isDuplicate: boolean;
    readonly errors: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
  };
}

interface SendOptions {
  /** Who sends: ada may write cities, bob too but for their notes, eve may only read them. */
  readonly viewer?: string;
  readonly type?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A service of the demo's models with authentication, for one test file. */
export interface ImportsFixture {
  readonly service: PowerCrudService;
  readonly database: TestDatabase;
  readonly client: Client;
  send(path: string, body: BodyInit, options?: SendOptions): Promise<Answer>;
  /** The task of an accepted upload, once it has settled. */
  settled(answer: Answer): Promise<Task>;
  failedFile(id: string, format?: string): Promise<string>;
  cities(): Promise<readonly Record<string, unknown>[]>;
  /** The data that a query of the viewer's gets; ada's by default. */
  ask(query: string, variables: object, viewer?: string): Promise<unknown>;
}

/** The first line of files of cities. */
export const HEAD = "id,name,countryCode,population,latitude,longitude";

const ROLES: Readonly<Record<string, string>> = { ada: "editor", bob: "editor", eve: "reader" };
const isAda = ({ viewer }: { readonly viewer: { readonly id: string | null } }): boolean =>
  viewer.id === "ada";
const isEditor = ({ viewer }: { readonly viewer: { readonly roles: readonly string[] } }): boolean =>
  viewer.roles.includes("editor");

const CONFIG = defineConfig({
  generated: demoConfig.generated,
  models: {
    Country: { access: { read: true } },
    Tag: { access: { read: true, create: isAda, update: isAda } },
    City: {
      access: {
        read: true,
        create: isEditor,
        update: isEditor,
        fields: { notes: { write: isAda }, elevation: { read: isAda } },
      },
    },
  },
  auth: {
    authenticate: ({ headers }) => {
      const id = headers.get("authorization")?.replace("Bearer ", "") ?? "";
      return id in ROLES ? { id, roles: [ROLES[id] ?? ""] } : null;
    },
  },
});

/** Starts the service before the tests of a file. No test finds a city. */
export function useImports(): ImportsFixture {
  let database: TestDatabase;
  let service: PowerCrudService;
  let client: Client;
  beforeAll(async () => {
    database = await createTestDatabase();
    client = new Client(database.url);
    await client.connect();
    await client.query(`
      INSERT INTO country (code, name, continent) VALUES
        ('FR', 'France', 'EUROPE'), ('DE', 'Germany', 'EUROPE'), ('CI', 'Côte d’Ivoire', 'AFRICA');
      INSERT INTO tag (id, label) VALUES
        ('00000000-0000-7000-8000-000000000001', 'river'), ('00000000-0000-7000-8000-000000000002', 'port')`);
    const settings = { port: 0, auth: "required", bulkMinAsyncRecords: 20 } as const;
    service = await createService({ config: CONFIG, databaseUrl: database.url, settings });
    await service.start();
  });
  afterAll(async () => {
    await service.stop();
    await client.end();
    await database.drop();
  });
  beforeEach(async () => {
    await client.query("DELETE FROM city");
  });
  return {
    get service() {
      return service;
    },
    get database() {
      return database;
    },
    get client() {
      return client;
    },
    async send(path, body, { viewer = "ada", type = "text/csv", method = "POST", headers = {} } = {}) {
      const response = await fetch(`${service.url}/imports/${path}`, {
        method,
        body,
        // Needed for streams.
        duplex: "half",
        headers: { authorization: `Bearer ${viewer}`, "content-type": type, ...headers },
      } as RequestInit);
      return { status: response.status, body: (await response.json()) as Answer["body"] };
    },
    settled(answer) {
      expect(answer.body.errors).toBeUndefined();
      expect(answer.status).toBe(202);
      return service.powercrud.tasks.wait(answer.body.task.id);
    },
    async failedFile(id, format = "csv") {
      const headers = { authorization: "Bearer ada" };
      const response = await fetch(`${service.url}/tasks/${id}/failed.${format}`, { headers });
      expect(response.status).toBe(200);
      return response.text();
    },
    async ask(query, variables, viewer = "ada") {
      const response = await fetch(`${service.url}/graphql`, {
        method: "POST",
        headers: { authorization: `Bearer ${viewer}`, "content-type": "application/json" },
        body: JSON.stringify({ query, variables }),
      });
      return ((await response.json()) as { readonly data: unknown }).data;
    },
    async cities() {
      const columns = "id, name, country_code, population, status, notes";
      return (await client.query(`SELECT ${columns} FROM city ORDER BY id`)).rows;
    },
  };
}

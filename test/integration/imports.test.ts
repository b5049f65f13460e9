import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrudService } from "../../src/index.ts";
import { createService, defineConfig } from "../../src/index.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

const SECRETS: Readonly<Record<string, string>> = { ada: "editor", eve: "reader" };

let database: TestDatabase;
let service: PowerCrudService;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client(database.url);
  await client.connect();
  await client.query(`INSERT INTO country (code, name, continent) VALUES
    ('FR', 'France', 'EUROPE'), ('DE', 'Germany', 'EUROPE'), ('CI', 'Côte d’Ivoire', 'AFRICA')`);
  await client.query(`INSERT INTO tag (id, label) VALUES
    ('00000000-0000-7000-8000-000000000001', 'river'), ('00000000-0000-7000-8000-000000000002', 'port')`);
  service = await createService({
    config: defineConfig({
      generated: demoConfig.generated,
      models: {
        Country: { access: { read: true } },
        Tag: { access: { read: true, create: true, update: true } },
        City: {
          access: {
            read: true,
            create: ({ viewer }) => viewer.id === "ada",
            update: ({ viewer }) => viewer.id === "ada",
          },
        },
      },
      auth: {
        authenticate: ({ headers }) => {
          const id = headers.get("authorization")?.replace("Bearer ", "") ?? "";
          return id in SECRETS ? { id, roles: [SECRETS[id] ?? ""] } : null;
        },
      },
    }),
    databaseUrl: database.url,
    settings: { port: 0, auth: "required", bulkMinAsyncRecords: 20 },
  });
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

interface Answer {
  readonly status: number;
  readonly body: {
    readonly task: { readonly id: string; readonly status: string; readonly message: string | null };
    readonly isDuplicate: boolean;
    readonly errors: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
  };
}

async function send(
  path: string,
  body: BodyInit,
  { viewer = "ada", type = "text/csv", method = "POST", headers = {} } = {},
): Promise<Answer> {
  const response = await fetch(`${service.url}/imports/${path}`, {
    method,
    body,
    headers: { authorization: `Bearer ${viewer}`, "content-type": type, ...headers },
  });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

async function settled(answer: Answer) {
  expect(answer.body.errors).toBeUndefined();
  expect(answer.status).toBe(202);
  return service.powercrud.tasks.wait(answer.body.task.id);
}

async function failedFile(id: string, format = "csv"): Promise<string> {
  const response = await fetch(`${service.url}/tasks/${id}/failed.${format}`, {
    headers: { authorization: "Bearer ada" },
  });
  expect(response.status).toBe(200);
  return response.text();
}

const cities = async () =>
  (await client.query("SELECT id, name, country_code, population, status, notes FROM city ORDER BY id")).rows;

const HEAD = "id,name,countryCode,population,latitude,longitude";

describe("an import", () => {
  it("writes the rows of a CSV file, and gives back those that failed, to be mended and sent again", async () => {
    const file = [
      HEAD,
      "1,Paris,FR,2100000,48.8,2.3",
      '2,"Lyon, Rhône",FR,many,45.7,4.8',
      "3,Nowhere,XX,1,0,0",
      "1,Paris again,FR,1,0,0",
      "5,Köln,DE,1000000,50.9,6.9",
    ].join("\r\n");
    const first = await settled(await send("City?operation=create&errorPolicy=skip_failed", file));
    expect(first).toMatchObject({
      status: "PARTIAL",
      progress: { total: 5, succeeded: 2, failed: 3, skipped: 0 },
    });
    expect((await cities()).map(({ name }) => name)).toEqual(["Paris", "Köln"]);
    const failed = await failedFile(first.id);
    expect(failed.split("\r\n").map((line) => line.replace(/^(\d,\w*,).*?(\d,(?:"Lyon|Nowhere|Paris))/, "$1…$2"))).toEqual([
      `_line,_field,_reason,${HEAD}`,
      expect.stringContaining('2,"Lyon, Rhône",FR,many,45.7,4.8'),
      expect.stringContaining("3,Nowhere,XX,1,0,0"),
      expect.stringContaining("1,Paris again,FR,1,0,0"),
      "",
    ]);
    const mended = failed
      .replace(",many,", ",500000,")
      .replace(",XX,", ",CI,")
      .replace("1,Paris again", "4,Paris again");
    const second = await settled(await send("City?operation=create", mended));
    expect(second).toMatchObject({ status: "SUCCEEDED", progress: { total: 3, succeeded: 3 } });
    expect(await cities()).toHaveLength(5);
  });
});

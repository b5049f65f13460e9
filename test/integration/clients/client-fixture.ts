import { insertCities } from "../../support/insert-cities.ts";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import type { GraphQLSchema } from "graphql";
import { graphql } from "graphql";
import { Client } from "pg";
import { vi } from "vitest";
import { WebSocket } from "ws";
import demoConfig from "../../../powercrud.config.ts";
import { printIntrospection } from "../../../src/compose/print-schema.ts";
import type { PowerCrudService, ServiceOptions } from "../../../src/compose/create-service.ts";
import { createService } from "../../../src/compose/create-service.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import type { PowerCrudConfig } from "../../../src/compose/define-config.ts";
import { codeBlocks, markdownSection } from "../../support/markdown-code.ts";
import type { TemporaryFolder } from "../../support/temporary-folder.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import type { TestRedis } from "../../support/test-redis.ts";
import { createTestRedis } from "../../support/test-redis.ts";

/** The cities of the fixture. */
export const CITY_COUNT = 40;

const ROOT = join(import.meta.dirname, "../../..");

/** A service that clients ask over HTTP, WebSocket and SSE, and the code of docs/clients.md that asks it. */
export interface ClientFixture {
  /** Changes with a restart only in that requests fail meanwhile. */
  readonly url: string;
  readonly databaseUrl: string;
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  /** Locks the row of a city in a transaction of the test's, so that tasks wait at it. @returns releases it */
  holdCity(id: number): Promise<() => Promise<void>>;
  readonly schema: () => GraphQLSchema;
  /** Runs an operation that must succeed in the service, as another user's client would. @returns its data */
  execute(source: string): Promise<Record<string, unknown>>;
  /** Waits for the end of a task. */
  settled(id: string): Promise<void>;
  /** The operations sent by fetch since the start. */
  readonly requests: readonly string[];
  /**
   * Stops the service as an operator would, and starts it again at the same address.
   * @param refusals so many WebSockets are refused meanwhile. Default: 0
   */
  restart(refusals?: number): Promise<void>;
  /**
   * Writes the section's code as files, each named by the comment in its first line, and imports some of them. The
   * service's address takes the place of the documented one. @returns all that they export
   */
  load(heading: string, ...files: readonly string[]): Promise<Record<string, never>>;
  /** Copies the files of a client example's src/, and imports some of them, in the same way. @returns all that they export */
  loadExample(name: string, ...files: readonly string[]): Promise<Record<string, never>>;
  /** Where a file of the section is, or can be put. */
  place(heading: string, file: string): Promise<string>;
  /** Copies an example's src/. @returns its folder */
  copyExample(name: string): Promise<string>;
  stop(): Promise<void>;
}

/** With 40 cities of one country, and one worker whose chunks have two records. On the backend of the run. */
export async function startClientFixture(
  options: Pick<ServiceOptions, "authenticate"> & { readonly config?: PowerCrudConfig } = {},
): Promise<ClientFixture> {
  const database = await createTestDatabase();
  const redis = process.env["POWERCRUD_TEST_BACKEND"] === "redis" ? createTestRedis() : undefined;
  const start = (port: number) => startService(options, database.url, redis, port);
  const sql = new Client(database.url);
  await sql.connect();
  await insertCities(sql, CITY_COUNT);
  const folder = await createTemporaryFolder("clients");
  let service = await start(0);
  const { url } = service;
  const requests: string[] = [];
  const send = globalThis.fetch;
  vi.stubGlobal("fetch", async (input: RequestInfo | URL, init?: RequestInit) => {
    requests.push(typeof init?.body === "string" ? init.body : "");
    return send(input, init);
  });
  // Node 20 has none of its own. Clients that were not closed look for it later, too.
  Object.assign(globalThis, { WebSocket });
  const holders: Client[] = [];
  return {
    url,
    databaseUrl: database.url,
    requests,
    schema: () => service.powercrud.schema,
    async execute(source) {
      const { schema } = service.powercrud;
      const { data, errors } = await graphql({ schema, source, contextValue: { viewer: ANONYMOUS } });
      if (errors !== undefined) {
        throw new Error(JSON.stringify(errors));
      }
      return { ...data };
    },
    query: async (text, values) => (await sql.query(text, [...(values ?? [])])).rows as never,
    settled: (id) => service.powercrud.tasks.wait(id).then(() => undefined),
    async holdCity(id) {
      const holder = new Client(database.url);
      holders.push(holder);
      await holder.connect();
      await holder.query("BEGIN");
      await holder.query("SELECT FROM city WHERE id = $1 FOR UPDATE", [id]);
      return () => holder.end();
    },
    async restart(refusals = 0) {
      await service.stop();
      await refuseSockets(Number(new URL(url).port), refusals);
      service = await start(Number(new URL(url).port));
    },
    load: (heading, ...files) => loadSection(folder, url, heading, files),
    loadExample: async (name, ...files) => importAll(await copyExample(folder, url, name), files),
    place: async (heading, file) => join(await placeOf(folder, heading), file),
    copyExample: (name) => copyExample(folder, url, name),
    async stop() {
      await Promise.all(holders.map((holder) => holder.end()));
      await service.stop();
      await redis?.drop();
      await sql.end();
      await database.drop();
      await folder.remove();
      vi.unstubAllGlobals();
    },
  };
}

/** Breaks connections off until so many WebSockets were among them. */
async function refuseSockets(port: number, count: number): Promise<void> {
  let left = count;
  const server = createServer();
  // A browser also opens some that it says nothing on.
  const sockets = new Set<Socket>();
  const refused = new Promise<void>((resolve) => {
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("data", (data) => {
        left -= /^upgrade: websocket/im.test(String(data)) ? 1 : 0;
        socket.destroy();
        if (left === 0) {
          resolve();
        }
      });
    });
  });
  if (count > 0) {
    await once(server.listen(port, "127.0.0.1"), "listening");
    await refused;
    const closed = once(server, "close");
    server.close();
    sockets.forEach((socket) => socket.destroy());
    await closed;
  }
}

async function startService(
  options: Parameters<typeof startClientFixture>[0],
  databaseUrl: string,
  redis: TestRedis | undefined,
  port: number,
): Promise<PowerCrudService> {
  const settings = {
    host: "127.0.0.1",
    port,
    progressIntervalMs: 0,
    chunkRecords: 2,
    workerConcurrency: 2,
    ...(redis && { backend: "redis" as const, redisUrl: redis.url, redisKeyPrefix: redis.keyPrefix }),
  };
  const service = await createService({ config: demoConfig, ...options, databaseUrl, settings });
  await service.start();
  return service;
}

async function placeOf(folder: TemporaryFolder, heading: string): Promise<string> {
  const place = join(folder.path, heading.replaceAll(/\W/g, "-"));
  await mkdir(place, { recursive: true });
  return place;
}

async function loadSection(
  folder: TemporaryFolder,
  url: string,
  heading: string,
  files: readonly string[],
): Promise<Record<string, never>> {
  const guide = await readFile(join(ROOT, "docs/clients.md"), "utf8");
  const place = await placeOf(folder, heading);
  await writeFile(join(place, "schema.json"), printIntrospection(demoConfig));
  await writeFiles(place, url, markdownSection(guide, heading));
  return importAll(place, files);
}

async function copyExample(folder: TemporaryFolder, url: string, name: string): Promise<string> {
  const place = await placeOf(folder, name);
  const source = join(ROOT, "client-examples", name, "src");
  const files = (await readdir(source, { withFileTypes: true })).filter((entry) => entry.isFile());
  for (const { name: file } of files) {
    const text = await readFile(join(source, file), "utf8");
    await writeFile(join(place, file), addressed(linked(text), url));
  }
  return place;
}

/** One after the other: they share modules. */
async function importAll(place: string, files: readonly string[]): Promise<Record<string, never>> {
  const exported: Record<string, never> = {};
  for (const file of files) {
    Object.assign(exported, await import(join(place, file)));
  }
  return exported;
}

async function writeFiles(place: string, url: string, guide: string): Promise<void> {
  for (const code of codeBlocks(guide, "ts")) {
    const [, name = "code.ts"] = /^\/\/ (\S+\.ts)\n/.exec(code) ?? [];
    await writeFile(join(place, name), addressed(linked(code), url));
  }
}

/** The code with the address of the service in the place of the documented one. */
export function addressed(code: string, url: string): string {
  const { host } = new URL(url);
  return code.replaceAll(/\/\/(?:localhost|127\.0\.0\.1):4000/g, `//${host}`);
}

/** The code with the addresses of the packages that it imports: its folder has none. */
function linked(code: string): string {
  return code.replaceAll(/ from "([^."][^"]*)";/g, (_whole, name: string) => {
    return ` from "${import.meta.resolve(name)}";`;
  });
}

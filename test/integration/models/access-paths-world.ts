import { setImmediate } from "node:timers/promises";
import { parse, subscribe } from "graphql";
import type { ExecutionResult } from "graphql";
import { Client } from "pg";
import { expect } from "vitest";
import type { PowerCrudService, Task, Viewer } from "../../../src/index.ts";
import { createService, defineConfig } from "../../../src/index.ts";
import type { WhereFilter } from "../../../src/core/access/access.ts";
import { generated } from "../../../src/generated/powercrud.ts";
import { nextWithin } from "../../support/deadline.ts";
import { insertCities } from "../../support/insert-cities.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

export interface City {
  readonly id: number;
  readonly population: number;
  readonly status: string;
}

/** Every filter lets these two through: by them a test knows that all has come. */
export const BEGIN = 100;
export const END = 101;
export const COUNT = 12;

/** A filter as an app writes it, and what it means to a city. Undefined: all. */
type Rule = readonly [filter: WhereFilter | undefined, admits: (city: City) => boolean];

export const RULES: readonly Rule[] = [
  [undefined, () => true],
  [{ population: { lt: 3 } }, ({ population }) => population < 3],
  [{ NOT: { status: { equals: "ACTIVE" } } }, ({ status }) => status !== "ACTIVE"],
  [
    { OR: [{ population: { gte: 4 } }, { status: { equals: "ACTIVE" } }] },
    ({ population, status }) => population >= 4 || status === "ACTIVE",
  ],
  [{ id: { in: [2, 3, 5, 7] } }, ({ id }) => [2, 3, 5, 7].includes(id)],
  [{ OR: [] }, () => false],
];

/** What the claims of a viewer say: the places of the rules, and whether notes may be read. */
export interface Rights {
  readonly read: number;
  readonly update: number;
  readonly notes: boolean;
}

export const viewerOf = (rights: Rights): Viewer => ({ id: "ann", roles: [], claims: { ...rights } });
/** May do everything. */
export const ROOT: Viewer = { id: "root", roles: ["admin"], claims: { read: 0, update: 0, notes: true } };
/** Sees tasks, and no city. */
export const NOBODY: Viewer = { id: "nobody", roles: [] };

const ruleOf =
  (action: "read" | "update") =>
  ({ viewer }: { readonly viewer: Viewer }): boolean | WhereFilter => {
    const place = viewer.claims?.[action];
    const filter = typeof place === "number" ? RULES[place]?.[0] : undefined;
    return typeof place === "number" && (filter === undefined || { OR: [filter, { id: { gte: BEGIN } }] });
  };
const isRoot = ({ viewer }: { readonly viewer: Viewer }): boolean => viewer.id === "root";

let database: TestDatabase;
export let sql: Client;
export let service: PowerCrudService;
export async function startWorld(): Promise<void> {
  database = await createTestDatabase();
  sql = new Client(database.url);
  await sql.connect();
  await insertCities(sql, COUNT);
  await sql.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude)
    SELECT i, 'City ' || i, 'FR', 0, 0, 0 FROM unnest(ARRAY[${BEGIN}, ${END}]) i`);
  await sql.query(`INSERT INTO tag (id, label) VALUES ('00000000-0000-7000-8000-000000000001', 'seen')`);
  service = await createService({
    config: defineConfig({
      generated,
      models: {
        City: {
          search: ["name"],
          access: {
            read: ruleOf("read"),
            create: isRoot,
            update: ruleOf("update"),
            delete: isRoot,
            fields: { notes: { read: ({ viewer }) => viewer.claims["notes"] === true } },
          },
        },
        Country: { access: true },
        Tag: { access: true },
      },
      auth: { tasks: () => true },
    }),
    databaseUrl: database.url,
    settings: { port: 0, auth: "required", progressIntervalMs: 0 },
    authenticate: ({ headers }) => Promise.resolve(JSON.parse(headers.get("x-viewer") ?? "null") as Viewer),
  });
  await service.start();
}

export async function stopWorld(): Promise<void> {
  await service.stop();
  await sql.end();
  await database.drop();
}

export function call(viewer: Viewer, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = {
    ...(init.headers as Record<string, string> | undefined),
    "x-viewer": JSON.stringify(viewer),
  };
  return fetch(`${service.url}${path}`, { ...init, headers });
}

export const textOf = async (viewer: Viewer, path: string, init: RequestInit = {}): Promise<string> =>
  (await call(viewer, path, init)).text();

export const send = (viewer: Viewer, path: string, body: string): Promise<string> =>
  textOf(viewer, path, { method: "POST", headers: { "content-type": "text/csv" }, body });

export const askText = (viewer: Viewer, query: string, variables: object = {}): Promise<string> =>
  textOf(viewer, "/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });

// oxlint-disable-next-line typescript/no-explicit-any -- its shape is that of the document
export async function ask(viewer: Viewer, query: string, variables: object = {}): Promise<any> {
  const { data, errors } = JSON.parse(await askText(viewer, query, variables));
  expect(errors).toBeUndefined();
  return data;
}

/** The settled task that an upload has launched. */
export async function imported(viewer: Viewer, path: string, body: string): Promise<Task> {
  const answer = JSON.parse(await send(viewer, path, body));
  expect(answer.errors).toBeUndefined();
  return service.powercrud.tasks.wait(answer.task.id as string);
}

export const EXPORT = `mutation ($input: ExportInput!) { launchExport(input: $input, options: {mode: ASYNC}) {
  __typename ... on TaskLaunched { task { id } } ... on Error { code message } } }`;
const TRY = `mutation ($ids: [ID!]!, $notes: String) {
  bulkUpdateCities(selection: {ids: $ids}, data: {population: {increment: 1}, notes: {set: $notes}},
    options: {dryRun: true, mode: SYNC, errorPolicy: SKIP_FAILED}) { ... on TaskLaunched { task { id } } } }`;
export const PREVIEW = `query ($id: ID!) { task(id: $id) { preview(first: 200) {
  records { recordId before after error { code message } } fields { field changed values { value } before { sum } } } } }`;

export async function tried(viewer: Viewer, ids: readonly number[], notes: string): Promise<string> {
  const { bulkUpdateCities } = await ask(viewer, TRY, { ids: ids.map(String), notes });
  return bulkUpdateCities.task.id as string;
}

const EVENTS = `subscription { recordEvents(model: City) { type recordIds isAll } }`;
interface RecordEvent {
  readonly type: string;
  readonly recordIds: readonly string[];
  readonly isAll: boolean;
}

export async function listen(viewer: Viewer): Promise<AsyncGenerator<ExecutionResult>> {
  const { schema } = service.powercrud;
  const results = await subscribe({ schema, document: parse(EVENTS), contextValue: { viewer } });
  if (!(Symbol.asyncIterator in results)) {
    throw new Error(JSON.stringify(results.errors));
  }
  return results as AsyncGenerator<ExecutionResult>;
}

export const touch = (ids: readonly number[], population = 0): Promise<unknown> =>
  ask(
    ROOT,
    `mutation { ${ids.map((id) => `c${id}: updateCity(id: "${id}", data: {population: ${population}}) { __typename }`).join(" ")} }`,
  );

/** What comes up to the change of a city. */
export async function heardUntil(
  events: AsyncGenerator<ExecutionResult>,
  last: number,
): Promise<RecordEvent[]> {
  const heard: RecordEvent[] = [];
  for (;;) {
    const { data } = await nextWithin(events, 20_000, "an event of records");
    const event = data?.["recordEvents"] as RecordEvent;
    heard.push(event);
    if (event.recordIds.includes(String(last))) {
      return heard;
    }
  }
}

/** Listens as each viewer. Resolves once all of them are heard by who writes. */
export async function listenAll(
  viewers: readonly Viewer[],
): Promise<readonly AsyncGenerator<ExecutionResult>[]> {
  const all = await Promise.all(viewers.map(listen));
  const first = Promise.all(all.map((events) => heardUntil(events, BEGIN))).then(() => true);
  do {
    await touch([BEGIN]);
  } while (!(await Promise.race([first, setImmediate(false)])));
  return all;
}

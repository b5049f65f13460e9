import { once } from "node:events";
import { Worker } from "node:worker_threads";
import pg from "pg";
import demoConfig from "../powercrud.config.ts";
import type { PowerCrudService } from "../src/index.ts";
import { createService, defineConfig } from "../src/index.ts";
import { createSilentLogger } from "../src/kernel/logger.ts";
import type { BenchTools } from "./bench-tools.ts";
import type { Measure } from "./measure.ts";
import { inMedian, median } from "./statistics.ts";
import { threadClock } from "./thread-clock.ts";

const ROUNDS = 5;
const ACCEPTED_MS = 250;
const REFUSED_MS = 50;

/** Sends the bytes over a connection of its own, in a thread of its own, and tells how the answer begins and ends. */
const CLIENT = `
  const { connect } = require("node:net");
  const { parentPort, workerData } = require("node:worker_threads");
  const socket = connect(workerData.port, "127.0.0.1");
  let answer = "";
  socket.on("data", (bytes) => { answer = (answer + bytes.toString("latin1")).slice(-4000); });
  socket.on("error", () => undefined);
  socket.on("close", () => parentPort.postMessage(answer));
  socket.write(Buffer.from(workerData.bytes));
`;

interface Request {
  readonly name: string;
  readonly bytes: string;
  /** What the answer must have, so that no other way through the service is measured. */
  readonly answer: RegExp;
  readonly isAccepted?: boolean;
  /** Sent to a service with typed ids. */
  readonly isRelay?: boolean;
}

const FIRST_ID = 1_500_000_000;
const MOST = 1_000_000;

/** How long one request holds the service's event loop at a time. The service runs in this process, without workers. */
export async function measureLoop({ stores }: BenchTools): Promise<readonly Measure[]> {
  const open = (relay: boolean): Promise<PowerCrudService> =>
    createService({
      config: defineConfig({ ...demoConfig, relay }),
      databaseUrl: stores.databaseUrl("postgres"),
      role: "serve",
      logger: createSilentLogger(),
      settings: { port: 0 },
    });
  const [service, relayService] = [await open(false), await open(true)];
  await Promise.all([service.start(), relayService.start()]);
  const pool = new pg.Pool({ connectionString: stores.databaseUrl("postgres"), max: 1 });
  await pool.query(
    `INSERT INTO city (id, name, country_code, population, latitude, longitude, updated_at)
     SELECT $1::int + at, 'City ' || at, 'FR', 0, 1, 2, now() FROM generate_series(0, $2::int - 1) AS at`,
    [FIRST_ID, MOST],
  );
  try {
    const measures: Measure[] = [];
    for (const request of requests()) {
      measures.push(await measure(request.isRelay === true ? relayService : service, request));
    }
    return measures;
  } finally {
    await Promise.all([service.stop(), relayService.stop()]);
    await pool.query("DELETE FROM city WHERE id >= $1", [FIRST_ID]);
    await pool.end();
  }
}

async function measure(service: PowerCrudService, request: Request): Promise<Measure> {
  const held: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    held.push(await send(service, request));
  }
  const most = request.isAccepted === true ? ACCEPTED_MS : REFUSED_MS;
  return {
    name: request.name,
    value: inMedian(held),
    floor: "-",
    ratio: median(held) / most,
    target: `< ${most} ms`,
  };
}

/** @returns the longest time, in ms, that the event loop was held */
async function send(service: PowerCrudService, { name, bytes, answer }: Request): Promise<number> {
  const client = new Worker(CLIENT, {
    eval: true,
    workerData: { port: Number(new URL(service.url).port), bytes: new TextEncoder().encode(bytes) },
  });
  await once(client, "online");
  const longest = watchTurns();
  const [text] = (await once(client, "message")) as [string];
  const held = longest();
  const taskId = /"id":"([^"]+)"/.exec(text)?.[1];
  if (!answer.test(text)) {
    throw new Error(`${name}: ${text.slice(0, 1000)}`);
  }
  if (taskId !== undefined) {
    await ask(service, `mutation { cancelTask(id: "${taskId}") { __typename } }`);
  }
  return held;
}

/** @returns what tells the longest turn of the event loop since then, in ms, and ends the watch */
function watchTurns(): () => number {
  const clock = threadClock();
  let longest = 0;
  let before = clock.now();
  let isOver = false;
  const look = (): void => {
    if (isOver) {
      return;
    }
    const now = clock.now();
    longest = Math.max(longest, now - before);
    before = now;
    setImmediate(look);
  };
  setImmediate(look);
  return () => {
    look();
    isOver = true;
    clock.close();
    return longest;
  };
}

async function ask(service: PowerCrudService, query: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${service.url}/graphql`, {
    method: "POST",
    headers,
    body: JSON.stringify({ query }),
  });
  await response.text();
}

const LAUNCHED = /TaskLaunched/;
const ANSWER = "{ __typename ... on TaskLaunched { task { id } } ... on Error { message } }";
const DELETE = `mutation ($ids: [ID!]!) { bulkDeleteCities(selection: { ids: $ids }, options: { mode: ASYNC }) ${ANSWER} }`;
const CREATE = `mutation ($data: [CityBulkCreateInput!]!) { bulkCreateCities(data: $data, options: { mode: ASYNC, onConflict: REJECT }) ${ANSWER} }`;
const UPDATE = `mutation ($records: [CityUpdateEachInput!]!) { bulkUpdateEachCities(records: $records, options: { mode: ASYNC }) ${ANSWER} }`;

function requests(): readonly Request[] {
  const ids = (count: number): readonly string[] => listOf(count, (at) => String(at + FIRST_ID));
  const bad = [...ids(999_999), "x"];
  return [
    {
      name: "accepted: 1,000,000 ids",
      bytes: post(DELETE, { ids: ids(1_000_000) }),
      answer: LAUNCHED,
      isAccepted: true,
    },
    {
      name: "accepted: 900,000 typed ids of Relay mode",
      bytes: post(DELETE, { ids: ids(900_000).map((id) => `City:${id}`) }),
      answer: LAUNCHED,
      isAccepted: true,
      isRelay: true,
    },
    {
      name: "accepted: 100,000 ids",
      bytes: post(DELETE, { ids: ids(100_000) }),
      answer: LAUNCHED,
      isAccepted: true,
    },
    {
      name: "accepted: 90,000 new records",
      bytes: post(CREATE, { data: listOf(90_000, city) }),
      answer: LAUNCHED,
      isAccepted: true,
    },
    {
      name: "accepted: values for 150,000 records",
      bytes: post(UPDATE, {
        records: listOf(150_000, (at) => ({ id: String(at + FIRST_ID), data: { notes: `note ${at}` } })),
      }),
      answer: LAUNCHED,
      isAccepted: true,
    },
    {
      name: "refused: the last of 1,000,000 ids is none",
      bytes: post(DELETE, { ids: bad }),
      answer: /malformed/,
    },
    {
      name: "refused: the last of 1,000,000 ids is an object",
      bytes: post(DELETE, { ids: [...bad.slice(0, -1), {}] }),
      answer: /ID cannot represent/,
    },
    {
      name: "refused: 15 MB of variables for a query",
      bytes: post("query ($ids: [ID!]) { cities(ids: $ids) { totalCount } }", { ids: ids(1_100_000) }),
      answer: /LIMIT_EXCEEDED/,
    },
    {
      name: "refused: 15 MB in one text",
      bytes: post("query ($a: String) { a }", { a: "x".repeat(15_000_000) }),
      answer: /LIMIT_EXCEEDED/,
    },
    {
      name: "refused: 15 MB of names in one object",
      bytes: post(DELETE, { ids: Object.fromEntries(listOf(1_000_000, (at) => [`n${at}`, 1])) }),
      answer: /LIMIT_EXCEEDED/,
    },
    {
      name: "refused: 15 MB of objects in a list of ids",
      bytes: post(DELETE, { ids: listOf(1_000_000, () => ({ a: 1 })) }),
      answer: /ID cannot represent/,
    },
    {
      name: "refused: 15 MB of nested lists",
      bytes: post(DELETE, { ids: listOf(1_000_000, () => [[[[1]]]]) }),
      answer: /ID cannot represent/,
    },
    {
      name: "refused: 20,000 pipelined requests",
      bytes: get("/graphql?query={__typename}").repeat(20_000),
      answer: /(?:)/,
    },
  ];
}

function city(at: number): object {
  return {
    id: at + 900_000_000,
    name: `City number ${at}`,
    countryCode: "FR",
    population: at,
    latitude: 1.5,
    longitude: 2.5,
    notes: "Notes of the city",
  };
}

function listOf<T>(length: number, item: (at: number) => T): readonly T[] {
  return Array.from({ length }, (_, at) => item(at));
}

function post(query: string, variables: object): string {
  const body = JSON.stringify({ query, variables });
  return `POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n`;
}

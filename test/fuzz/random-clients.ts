import { connect } from "node:net";
import type { GraphQLSchema } from "graphql";
import { WebSocket } from "ws";
import type { Random } from "./random.ts";
import { ODD } from "./random.ts";
import { randomOperation } from "./random-operations.ts";

/** A client that does one thing, and what it has seen of the service. */
export type RandomClient = (target: Target, random: Random) => Promise<Seen>;

/** The service under test. */
export interface Target {
  readonly url: string;
  readonly schema: GraphQLSchema;
  /** Values of `Authorization`, good ones among them; empty for a service that asks for none. */
  readonly credentials: readonly string[];
}

/** What was sent, and all that came back. */
export interface Seen {
  readonly sent: string;
  readonly answer: string;
}

/** The longest that a client waits for an answer, in ms. */
const PATIENCE_MS = 3_000;

/** An operation over HTTP, with a body and headers that may be damaged. */
const overHttp: RandomClient = async (target, random) => {
  const { url, schema } = target;
  const query = randomOperation(schema, random);
  const payload = JSON.stringify({
    query,
    variables: random.pick<unknown>([
      undefined,
      {},
      { v: random.pick(ODD) },
      [],
      7,
      { __proto__: 1, v: [[[]]] },
      randomVariables(random),
    ]),
    operationName: random.pick([undefined, "x", ""]),
    extensions: random.pick<unknown>([undefined, { persistedQuery: { version: 1, sha256Hash: "0" } }, 5]),
  });
  const body = random.chance(0.3) ? random.damage(payload) : payload;
  const isGet = random.chance(0.2);
  const path = isGet
    ? `/graphql?query=${encodeURIComponent(query.slice(0, 8_000).replaceAll(/[\uD800-\uDFFF]/g, ""))}`
    : "/graphql";
  const head = [
    `${isGet ? "GET" : random.pick(["POST", "POST", "POST", "PUT", "OPTIONS", "HEAD"])} ${path} HTTP/1.1`,
    `Host: ${random.pick(["127.0.0.1", "127.0.0.1", "localhost", "evil.example", ""])}`,
    "Connection: close",
    `Content-Type: ${random.pick(["application/json", "application/json", "application/graphql", "text/plain", "multipart/form-data; boundary=x"])}`,
    `Accept: ${random.pick(["application/json", "*/*", "text/event-stream", "text/html", "application/graphql-response+json", "x/y"])}`,
    authorizationLine(target, random),
    ...ODD_HEADERS.filter(() => random.chance(0.1)),
    isGet
      ? ""
      : random.chance(0.9)
        ? `Content-Length: ${Buffer.byteLength(body) + (random.chance(0.05) ? 5 : 0)}`
        : "Transfer-Encoding: chunked",
  ];
  return sendRaw(url, `${head.filter((line) => line !== "").join("\r\n")}\r\n\r\n${isGet ? "" : body}`);
};

const ODD_HEADERS = [
  "Origin: https://evil.example",
  "Origin: null",
  "Sec-Fetch-Site: cross-site",
  "Last-Event-ID: x",
  "Last-Event-ID: 18446744073709551616",
  "X-Forwarded-For: ,,,",
  "X-Request-Id: a b",
  "Authorization: Bearer x.y.z",
  "Accept-Encoding: gzip, br;q=2",
  "Content-Encoding: gzip",
  "Upgrade: h2c",
  "Expect: 100-continue",
  "Cookie: a=b",
];

/** A header line, if the service asks for a credential; sometimes there is none. */
function authorizationLine({ credentials }: Target, random: Random): string {
  return credentials.length === 0 || random.chance(0.1) ? "" : `Authorization: ${random.pick(credentials)}`;
}

/** A POST with a body of its own. */
function post(target: Target, random: Random, lines: readonly string[], body: string): Promise<Seen> {
  const head = [
    "POST /graphql HTTP/1.1",
    "Host: 127.0.0.1",
    authorizationLine(target, random),
    ...lines,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return sendRaw(target.url, `${head.filter((line) => line !== "").join("\r\n")}\r\n\r\n${body}`);
}

/** Variables of any shape; some lists are as long as those of bulk operations. */
function randomVariables(random: Random): unknown {
  const count = random.pick([3, 100, 12_000, 60_000]);
  const item = random.pick<unknown>([1, "1", null, {}, [], { id: "1", data: { notes: "x" } }]);
  const list = Array.from({ length: count }, (_, at) =>
    random.chance(0.001) ? random.pick(ODD) : at % 7 === 0 ? String(at) : item,
  );
  return random.pick<unknown>([
    { v: { ids: list } },
    { v: { ids: list.map(String) } },
    { v: list },
    { where: { id: { in: list } } },
    Object.fromEntries(list.slice(0, 1_000).map((value, at) => [`v${at}`, value])),
  ]);
}

/** A bulk operation whose list is a variable, and may be long. */
const longList: RandomClient = (target, random) => {
  const { name, args } = random.pick(
    Object.values(target.schema.getMutationType()?.getFields() ?? {}).filter((field) =>
      /^bulk(Update|Delete|Upsert)/.test(field.name),
    ),
  );
  const list = args.find((argument) => argument.name === "selection" || argument.name === "records");
  const data = args.some((argument) => argument.name === "data") ? "data: {}, " : "";
  const query = `mutation ($v: ${String(list?.type)}) {
    ${name}(${list?.name}: $v, ${data}options: { mode: ASYNC, dryRun: true }) { __typename } }`;
  const body = JSON.stringify({ query, variables: randomVariables(random) });
  return post(target, random, ["Connection: close", "Content-Type: application/json"], body);
};

/** An event stream that is read for a while; some come back with the id of an event. */
const overEvents: RandomClient = (target, random) => {
  const query = random.pick([
    "subscription { taskEvents { type task { id kind status } } }",
    randomOperation(target.schema, random),
  ]);
  const last = random.chance(0.3) ? `Last-Event-ID: ${random.pick(["1", "99999", "x".repeat(300)])}` : "";
  const lines = ["Content-Type: application/json", "Accept: text/event-stream", last];
  return post(target, random, lines, JSON.stringify({ query }));
};

/** A form with parts, as for uploads, which GraphQL does not take here. Some are damaged, some do not end. */
const multipart: RandomClient = (target, random) => {
  const parts = [
    ["operations", JSON.stringify({ query: randomOperation(target.schema, random), variables: { f: null } })],
    ["map", random.pick(['{"0":["variables.f"]}', "{}", "[", '{"0":["__proto__.x"]}'])],
    ["0", random.pick(["hello", "x".repeat(random.below(200_000)), ""])],
  ] as const;
  const text = parts
    .map(([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join("");
  const body = `${random.chance(0.3) ? random.damage(text) : text}${random.chance(0.8) ? "--b--\r\n" : ""}`;
  const type = `Content-Type: multipart/form-data; boundary=${random.pick(["b", "b", "", "x".repeat(200)])}`;
  return post(target, random, ["Connection: close", type], body);
};

/** Bytes that are hardly HTTP. */
const rawBytes: RandomClient = ({ url }, random) =>
  sendRaw(
    url,
    random.pick([
      random.bytes(random.below(2_000)),
      Buffer.from(
        random.damage("GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(1 + random.below(100))),
      ),
      Buffer.from(
        `POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n${random.damage("5\r\nhello\r\n0\r\n\r\n")}`,
      ),
    ]),
  );

function sendRaw(url: string, data: Buffer | string): Promise<Seen> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let answer = "";
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.on("data", (bytes: Buffer) => {
      answer = (answer + bytes.toString("latin1")).slice(0, 100_000);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve({ sent: data.toString(), answer });
    });
    socket.write(data);
  });
}

/** A WebSocket that speaks the protocol, more or less. */
const overSocket: RandomClient = ({ url, schema, credentials }, random) =>
  new Promise((resolve) => {
    const socket = new WebSocket(
      `${url.replace("http", "ws")}/graphql`,
      random.pick(["graphql-transport-ws", "graphql-transport-ws", "graphql-transport-ws", "graphql-ws"]),
    );
    const sent: string[] = [];
    let answer = "";
    const send = (
      text: string,
      options: { readonly fin?: boolean; readonly binary?: boolean } = {},
    ): void => {
      sent.push(text.slice(0, 10_000));
      socket.send(text, options);
    };
    const timer = setTimeout(() => socket.terminate(), random.below(PATIENCE_MS));
    socket.on("message", (data) => {
      answer = (answer + (data as Buffer).toString()).slice(0, 100_000);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve({ sent: sent.join("\n"), answer });
    });
    socket.on("open", () => {
      if (random.chance(0.9)) {
        send(
          JSON.stringify({
            type: "connection_init",
            payload: random.pick<unknown>([
              ...credentials.map((authorization) => ({ authorization })),
              undefined,
              {},
              { a: "x".repeat(random.below(10_000)) },
              7,
            ]),
          }),
        );
      }
      for (let count = random.below(12); count > 0; count -= 1) {
        const message = JSON.stringify({
          id: random.pick(["1", "2", "", "__proto__", "x".repeat(500)]),
          type: random.pick([
            "subscribe",
            "subscribe",
            "subscribe",
            "complete",
            "ping",
            "pong",
            "next",
            "nonsense",
          ]),
          payload: random.pick<unknown>([
            { query: randomOperation(schema, random) },
            { query: 5 },
            undefined,
            "x".repeat(random.below(20_000)),
          ]),
        });
        send(random.chance(0.2) ? random.damage(message) : message, {
          fin: !random.chance(0.05),
          binary: random.chance(0.05),
        });
      }
      if (random.chance(0.3)) {
        socket.pause();
      }
      if (random.chance(0.2)) {
        socket.terminate();
      }
    });
  });

/** All kinds of clients, the common ones more than once. */
export const RANDOM_CLIENTS: readonly RandomClient[] = [
  overHttp,
  overHttp,
  overHttp,
  overSocket,
  overSocket,
  overEvents,
  multipart,
  longList,
  rawBytes,
];

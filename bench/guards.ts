import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { Writable } from "node:stream";
import { buildSchema, parse } from "graphql";
import { createSilentLogger } from "../src/kernel/logger.ts";
import { ByteBudget } from "../src/server/byte-budget.ts";
import { Connections } from "../src/server/connections.ts";
import { createRequestHandler } from "../src/server/create-request-handler.ts";
import { limitOperations } from "../src/server/limit-operations.ts";
import { createOriginPolicy } from "../src/server/origin-policy.ts";
import { CallerGuard } from "../src/server/callers/caller-guard.ts";
import { peerOf } from "../src/server/callers/peer.ts";
import { ANONYMOUS_CALLER } from "../src/server/callers/caller.ts";
import { RateLimiter } from "../src/server/rate-limiter.ts";
import { SERVER_LIMITS } from "../src/server/server-options.ts";
import type { Measure } from "./measure.ts";
import { median } from "./statistics.ts";

const ROUNDS = 9;
const REQUESTS = 5_000;
const QUERY = "{ __typename }";
const RATE_LIMIT = 1_000_000_000;

/** What the guards cost on the smallest query, beside all of it; without a network, which would hide more. */
export async function measureGuards(): Promise<readonly Measure[]> {
  const handler = createRequestHandler({
    schema: buildSchema("type Query { one: Int }"),
    listenHost: "127.0.0.1",
    rateLimit: RATE_LIMIT,
    logger: createSilentLogger(),
  });
  const guard = createGuards();
  const answer = async (): Promise<void> => {
    const { request, response } = newExchange();
    await handler.handle(request, response);
    response.emit("close");
  };
  const onlyGuard = (): Promise<void> => {
    const { request, response } = newExchange();
    guard(request, response);
    response.emit("close");
    return Promise.resolve();
  };
  const bare = (): Promise<void> => {
    newExchange().response.emit("close");
    return Promise.resolve();
  };
  const times = { whole: [] as number[], guards: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const exchange = await cpuOf(bare);
    times.whole.push((await cpuOf(answer)) - exchange);
    times.guards.push((await cpuOf(onlyGuard)) - exchange);
  }
  await handler.close();
  const [whole, guards] = [median(times.whole), median(times.guards)];
  return [
    {
      name: "all guards on a small query, CPU",
      value: `${guards.toFixed(1)} µs`,
      floor: `${whole.toFixed(1)} µs, the whole query`,
      ratio: guards / whole,
      target: "≤ 0.10",
    },
  ];
}

/** CPU time of one call, in µs. */
async function cpuOf(call: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  for (let count = 0; count < REQUESTS; count += 1) {
    await call();
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / REQUESTS;
}

/** What stands before a query that has come before. */
function createGuards(): (request: IncomingMessage, response: ServerResponse) => void {
  const logger = createSilentLogger();
  const connections = new Connections(SERVER_LIMITS, logger);
  const budget = new ByteBudget(SERVER_LIMITS.maxReceivedBytes);
  const origins = createOriginPolicy({ listenHost: "127.0.0.1", allowedOrigins: [] });
  const operations = new RateLimiter({ perMinute: RATE_LIMIT, logger, message: "" });
  const guard = new CallerGuard({ operations, ...SERVER_LIMITS, proxyHops: 0 });
  const { onExecute } = limitOperations() as { onExecute(event: object): void };
  const args = { document: parse(QUERY), variableValues: {} };
  return (request, response) => {
    connections.admit(request, response);
    origins.refusalOf(request.headers);
    budget.take(QUERY.length);
    guard.count(ANONYMOUS_CALLER, { headers: NO_HEADERS, peer: peerOf(request), rate: undefined });
    onExecute({ args, setResultAndStopExecution: () => undefined });
    budget.giveBack(QUERY.length);
  };
}

const SOCKET = new Socket();
const NO_HEADERS = new Headers();

/** A request as node's server makes them, and a response that is not sent anywhere. */
function newExchange(): { readonly request: IncomingMessage; readonly response: ServerResponse } {
  const request = new IncomingMessage(SOCKET);
  request.method = "GET";
  request.url = `/graphql?query=${encodeURIComponent(QUERY)}`;
  request.headers = { host: "127.0.0.1:4000", accept: "application/json" };
  const response = new ServerResponse(request);
  response.assignSocket(new Writable({ write: (_chunk, _encoding, done) => done() }) as unknown as Socket);
  return { request, response };
}

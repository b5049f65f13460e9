import { loadavg } from "node:os";
import pg from "pg";
import type { BenchTools } from "../bench-tools.ts";
import type { Measure } from "../measure.ts";
import { inMs, median } from "../statistics.ts";
import { createPeerClient, type PeerClient, type PeerRequest } from "./peer-client.ts";
import { type PeerServer, type PeerServers, startPeerServers } from "./peer-server.ts";
import { nestedPage, type PeerWork, peerWorks } from "./peer-work.ts";

const ROUNDS = 5;
const TURN_MS = 1200;
const WARM_UP_MS = 1500;
/** The names of all rows. */
export const PEER_ROWS = ["nested", "record", "total", "flat", "typename", "update", "pages"] as const;

/** A server with the requests that it gets. */
interface Contender {
  readonly server: PeerServer;
  readonly next: (turn: number) => PeerRequest;
}

/** The results of a contender. */
interface Score {
  readonly perSecond: number;
  readonly text: string;
}

/**
 * Compares the built package with PostGraphile: the same work on the same database, sent in turns by the same client on 20
 * connections. The rate is the median of the rounds; CPU is the server process' own, per request.
 */
export async function measurePeers({ stores, ids, rows }: BenchTools): Promise<readonly Measure[]> {
  const databaseUrl = stores.databaseUrl("postgres");
  const servers = await startPeerServers(databaseUrl);
  const client = createPeerClient();
  try {
    const load = loadavg()[0]?.toFixed(1) ?? "?";
    console.log(
      `\nhere: the built package, beside PostGraphile as its bare stack; ${servers.versions}, load ${load}`,
    );
    const works = peerWorks(ids);
    const measures: Measure[] = [];
    for (const row of PEER_ROWS.filter((name) => rows.length === 0 || rows.includes(name))) {
      const work = works[row];
      measures.push(
        ...(work === undefined
          ? [await measurePages(client, servers, databaseUrl)]
          : await measureWork(client, servers, work)),
      );
    }
    return measures;
  } finally {
    client.close();
    await servers.stop();
  }
}

async function measureWork(
  client: PeerClient,
  { ours, oursHere, graphile }: PeerServers,
  { name, ours: toUs, peer, target }: PeerWork,
): Promise<readonly Measure[]> {
  await compareAnswers(client, { server: ours, next: toUs }, { server: graphile, next: peer });
  const contenders: Contender[] = [
    { server: ours, next: toUs },
    { server: graphile, next: peer },
    ...(oursHere === undefined ? [] : [{ server: oursHere, next: toUs }]),
  ];
  const [us, floor, here] = await compete(client, contenders);
  const measure = (title: string, score: Score | undefined): readonly Measure[] =>
    score === undefined || floor === undefined
      ? []
      : [
          {
            name: title,
            value: score.text,
            floor: floor.text,
            ratio: score.perSecond / floor.perSecond,
            target,
          },
        ];
  return [...measure(name, us), ...measure(`the same, Node ${process.versions.node}`, here)];
}

/** Ours alone: pages of cities under countries with very many cities, against countries with few. */
async function measurePages(
  client: PeerClient,
  { ours }: PeerServers,
  databaseUrl: string,
): Promise<Measure> {
  const { large, small } = await chooseCountries(databaseUrl);
  const [many, few] = await compete(client, [
    { server: ours, next: () => nestedPage(large) },
    { server: ours, next: () => nestedPage(small) },
  ]);
  return {
    name: "5 cities each of the 10 largest countries",
    value: many?.text ?? "?",
    floor: `of 10 with 60 cities: ${few?.text ?? "?"}`,
    ratio: (many?.perSecond ?? 0) / (few?.perSecond ?? 1),
    target: "≥ 0.5",
  };
}

/** The ten countries with the most cities, and the ten that have closest to 60. */
async function chooseCountries(
  databaseUrl: string,
): Promise<{ large: readonly string[]; small: readonly string[] }> {
  const database = new pg.Client(databaseUrl);
  await database.connect();
  try {
    const choose = async (order: string): Promise<readonly string[]> => {
      const text = `SELECT country_code AS code FROM city GROUP BY 1 ORDER BY ${order}, 1 LIMIT 10`;
      return (await database.query<{ code: string }>(text)).rows.map(({ code }) => code);
    };
    return { large: await choose("count(*) DESC"), small: await choose("abs(count(*) - 60)") };
  } finally {
    await database.end();
  }
}

/** All contenders in turns, several rounds, after a warm-up. */
async function compete(client: PeerClient, contenders: readonly Contender[]): Promise<readonly Score[]> {
  const sums = contenders.map(() => ({ rates: [] as number[], latencies: [] as number[], cpuMs: 0 }));
  let turn = 0;
  for (const { server, next } of contenders) {
    await client.run(server.url, WARM_UP_MS, () => next((turn += 1)));
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, { server, next }] of contenders.entries()) {
      const before = await server.cpuMs();
      const { perSecond, latenciesMs } = await client.run(server.url, TURN_MS, () => next((turn += 1)));
      const sum = sums[index];
      sum?.rates.push(perSecond);
      sum?.latencies.push(...latenciesMs);
      if (sum !== undefined) {
        sum.cpuMs += (await server.cpuMs()) - before;
      }
    }
  }
  return sums.map(({ rates, latencies, cpuMs }) => {
    const perSecond = median(rates);
    const cpu = Number.isNaN(cpuMs) ? "?" : inMs(cpuMs / latencies.length);
    return {
      perSecond,
      text: `${Math.round(perSecond).toLocaleString("en")}/s, p50 ${inMs(median(latencies))}, CPU ${cpu}`,
    };
  });
}

/** @throws when they do not answer the same */
async function compareAnswers(client: PeerClient, left: Contender, right: Contender): Promise<void> {
  const [first, second] = await Promise.all(
    [left, right].map(async ({ server, next }) => comparable(await client.ask(server.url, next(0)))),
  );
  if (first !== second) {
    throw new Error(`the servers answer differently: ${first?.slice(0, 400)} and ${second?.slice(0, 400)}`);
  }
}

/** The data of an answer, with numbers as texts. */
function comparable(answer: string): string {
  const { data } = JSON.parse(answer) as { data: unknown };
  return JSON.stringify(data, (_, value: unknown) => (typeof value === "number" ? String(value) : value));
}

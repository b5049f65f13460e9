import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildClientSchema, getIntrospectionQuery } from "graphql";
import type { IntrospectionQuery } from "graphql";
import { SignJWT } from "jose";
import { startBenchProcess } from "../../bench/bench-process.ts";
import { LongTurns } from "./long-turns.ts";
import { Random } from "./random.ts";
import type { Target } from "./random-clients.ts";
import { RANDOM_CLIENTS } from "./random-clients.ts";

/** Clients at a time. */
const CLIENTS = 8;
/** The most work that the event loop may do without a look at new requests, in ms: a part of what each client asks for. */
const MAX_TURN_MS = 1_000;
/** Findings that are printed in full. */
const MAX_FINDINGS = 20;
/** What memory may have grown by, beside what it had after the first part, in MB. */
const MEMORY_SLACK_MB = 150;
/** Of the tokens. */
const SECRET = "the secret of the fuzz, which nobody else has";
/** What a held event loop is told with. */
const LATELY = 24;
/** Time for memory to come back, in ms. */
const CALM_MS = 60_000;

/**
 * Sends random documents, frames and headers to a service of its own, and looks at what becomes of it:
 * `npm run fuzz -- [minutes] [--seed N]`. Half of the time the service asks for credentials. Ends with 1 if there are findings.
 */
const { values, positionals } = parseArgs({ options: { seed: { type: "string" } }, allowPositionals: true });
const minutes = Number(positionals[0] ?? 20);
const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
say(`seed ${seed}, ${minutes} minutes: npm run fuzz -- ${minutes} --seed ${seed}`);

const findings: string[] = [];
/** What was sent last. */
const lately: string[] = [];
for (const isAuthenticated of [false, true]) {
  await fuzz(isAuthenticated, (minutes * 60_000) / 2);
}
say(findings.length === 0 ? "no findings" : `${findings.length} findings, with seed ${seed}`);
process.exitCode = findings.length === 0 ? 0 : 1;

/** Runs the clients against a service of their own for so long. */
async function fuzz(isAuthenticated: boolean, ms: number): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "powercrud-fuzz-"));
  // Started by root, PostgreSQL runs as a user of its own.
  await chmod(dataDir, 0o755);
  const turnsFile = join(dataDir, "turns");
  const service = await startBenchProcess("start", {
    PORT: "0",
    POWERCRUD_DATA_DIR: dataDir,
    POWERCRUD_SEED_CITIES: "2000",
    POWERCRUD_LOG_LEVEL: "silent",
    NODE_OPTIONS: `--import tsx --import ${join(import.meta.dirname, "watch-turns.ts")}`,
    FUZZ_TURNS: turnsFile,
    ...(isAuthenticated
      ? { POWERCRUD_AUTH: "required", POWERCRUD_INTROSPECTION: "true", POWERCRUD_JWT_SECRET: SECRET }
      : {}),
  });
  try {
    const credentials = isAuthenticated ? await makeCredentials() : [];
    const schema = await readSchema(service.address, credentials[0]);
    const target: Target = { url: service.address, schema, credentials };
    // Those of its start.
    await rm(turnsFile, { force: true });
    const turns = new LongTurns(turnsFile);
    const end = Date.now() + ms;
    const clients = Array.from({ length: CLIENTS }, (_, at) => run(target, new Random(seed + at), end));
    const early = await megabytesAfter(service.pid, Math.min(60_000, ms / 3));
    const [counts] = await Promise.all([Promise.all(clients), probe(target.url, turns, end)]);
    const late = await calmMegabytes(service.pid, early);
    const sum = counts.reduce((all, count) => all + count, 0);
    const way = isAuthenticated ? "with" : "without";
    say(
      `${way} authentication: ${sum} clients; at most ${turns.longest} ms of work at a time; memory ${early} MB early, ${late} MB at the end`,
    );
    if (late > early + MEMORY_SLACK_MB) {
      note(`memory did not come back: ${early} MB early, ${late} MB at the end`);
    }
    await askLive(target.url);
  } catch (error) {
    note(`the service does not answer: ${String(error)}`);
  } finally {
    await service.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Those of an administrator, of somebody else, of a token that is over, and things that are none. */
async function makeCredentials(): Promise<readonly string[]> {
  const token = (roles: readonly string[], expires: string): Promise<string> =>
    new SignJWT({ roles })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("ann")
      .setExpirationTime(expires)
      .sign(new TextEncoder().encode(SECRET));
  const tokens = await Promise.all([token(["admin"], "10h"), token([], "10h"), token(["admin"], "-1h")]);
  return [...tokens.map((each) => `Bearer ${each}`), "Bearer x.y.z", "Basic YTpi", "Bearer"];
}

/** @returns how many clients were run */
async function run(target: Target, random: Random, end: number): Promise<number> {
  let count = 0;
  for (; Date.now() < end; count += 1) {
    const { sent, answer } = await random.pick(RANDOM_CLIENTS)(target, random);
    lately.push(`${sent.length} characters: ${sent.slice(0, 1_000)}`);
    lately.splice(0, lately.length - LATELY);
    if (/"code":"INTERNAL"|HTTP\/1\.1 500/.test(answer)) {
      note(`an unexpected error:\n${sent.slice(0, 3_000)}\n---\n${answer.slice(0, 1_000)}`);
    }
  }
  return count;
}

/** Asks for the smallest answer all the time, and looks how long others had to wait. */
async function probe(url: string, turns: LongTurns, end: number): Promise<void> {
  while (Date.now() < end) {
    await askLive(url);
    for (const held of (await turns.look()).filter((each) => each > MAX_TURN_MS)) {
      note(
        `the event loop was held for ${held} ms of work, shortly before the end of these:\n${lately.join("\n---\n")}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function askLive(url: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // A connection of its own: the service may close one that was kept just when it is used again.
    const request = get(`${url}/health/live`, { agent: false, timeout: 60_000 }, (response) => {
      response.resume();
      response.on("end", resolve);
    });
    request.on("timeout", () => request.destroy(new Error("no answer within a minute")));
    request.on("error", reject);
  });
}

async function readSchema(url: string, authorization?: string): Promise<Target["schema"]> {
  const headers = { "content-type": "application/json", ...(authorization && { authorization }) };
  const body = JSON.stringify({ query: getIntrospectionQuery() });
  const response = await fetch(`${url}/graphql`, { method: "POST", headers, body });
  const { data } = (await response.json()) as { readonly data: IntrospectionQuery };
  return buildClientSchema(data);
}

async function megabytesAfter(pid: number, ms: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return megabytes(pid);
}

/** The least that the service has for a while. */
async function calmMegabytes(pid: number, early: number): Promise<number> {
  let least = await megabytes(pid);
  for (const deadline = Date.now() + CALM_MS; least > early && Date.now() < deadline;) {
    least = Math.min(least, await megabytesAfter(pid, 1_000));
  }
  return least;
}

/** The resident memory of the service, which only Linux tells. */
async function megabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
}

function note(finding: string): void {
  findings.push(finding);
  if (findings.length <= MAX_FINDINGS) {
    say(`finding ${findings.length}: ${finding}`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

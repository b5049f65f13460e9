import { setTimeout as delay } from "node:timers/promises";

import { Client } from "pg";

import { AppError } from "../../../kernel/app-error.ts";

/** `cannot_connect_now`: the server is there, but still starting, recovering or shutting down. */
const STARTING_UP = "57P03";
const RETRY_MS = 200;

/**
 * Checks that a database can be used. Waits only while its server reports that it is starting up.
 * @param timeoutMs how long to wait at most
 * @throws AppError START_FAILED, naming the server but never the password
 */
export async function reachDatabase(databaseUrl: string, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let problem = await tryConnection(databaseUrl, timeoutMs);
  while (problem?.code === STARTING_UP && Date.now() < deadline) {
    await delay(RETRY_MS);
    problem = await tryConnection(databaseUrl, Math.max(1, deadline - Date.now()));
  }
  if (problem !== undefined) {
    throw new AppError(
      "START_FAILED",
      `the database of DATABASE_URL, ${describe(databaseUrl)}, cannot be reached: ${reasonOf(problem)}`,
      { cause: problem },
    );
  }
}

type Problem = Error & { readonly code?: string };

async function tryConnection(databaseUrl: string, timeoutMs: number): Promise<Problem | undefined> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: timeoutMs });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A host name with several addresses fails with one error per address, all alike. */
function reasonOf(problem: Problem): string {
  const first: unknown = problem instanceof AggregateError ? problem.errors[0] : problem;
  return first instanceof Error && first.message !== "" ? first.message : String(problem.code);
}

function describe(databaseUrl: string): string {
  const { host, pathname } = new URL(databaseUrl);
  return `${host}${pathname}`;
}

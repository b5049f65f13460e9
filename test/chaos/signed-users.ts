import { setTimeout as delay } from "node:timers/promises";

import type { Pool } from "pg";

import { spawnPowerCrud } from "../support/powercrud-process.ts";
import { describeFindings } from "./find-wrongs.ts";
import type { Ledger } from "./ledger.ts";
import type { Deployment } from "./member.ts";

/** Who asks. */
export interface User {
  /** Undefined for one who does not sign in. */
  readonly signed?: { readonly id: string; readonly key: string; readonly half: Half };
  /** Where the cities are that the user makes. */
  readonly latitude: number;
}

/** Of the world: where users who sign in see and change cities. See the project's rules. */
type Half = "north" | "south";

/** The project whose rules give each user one half of the world. */
export const GUARDED_PROJECT = new URL("guarded", import.meta.url).pathname;

/** Where the north begins. */
export const NORTH = 35;

export const ANYBODY: User = { latitude: 0 };

/** How long a key may be good after it was revoked, in ms: what is remembered of it is trusted for so long at most. */
const HEEDED_MS = 20_000;
const TRIES = 60;

/** Makes a key for each user in the database, half of them for the north. */
export async function signUp(databaseUrl: string, count: number): Promise<readonly User[]> {
  const users: User[] = [];
  for (let at = 0; at < count; at += 1) {
    const half = at % 2 === 0 ? "north" : "south";
    const id = `user-${at}`;
    const viewer = JSON.stringify({ id, roles: [half] });
    const made = await spawnPowerCrud(["keys", "create", "--name", id, "--viewer", viewer, "--json"], {
      DATABASE_URL: databaseUrl,
    });
    await made.exited;
    const { key } = JSON.parse(made.answer.join("\n")) as { readonly key: string };
    users.push({ signed: { id, key, half }, latitude: half === "north" ? NORTH + 25 : NORTH - 35 });
  }
  return users;
}

/** The end of a user's key. */
export interface Revocation {
  readonly userId: string;
  /** When it was asked for; undefined before. */
  askedAt: number | undefined;
  /** When it was certain, in ms since 1970. */
  goneAt: number | undefined;
  /** How often the user was refused since. */
  refusals: number;
}

/** Ends the key by the command line, as an operator does, and again as long as PostgreSQL or Redis is away. */
export async function revoke(revocation: Revocation, { env, projectDir }: Deployment): Promise<void> {
  revocation.askedAt = Date.now();
  for (let tries = 0; tries < TRIES; tries += 1) {
    const command = await spawnPowerCrud(["keys", "revoke", revocation.userId], env, projectDir);
    const { code } = await command.exited;
    // The key of an earlier try, whose answer got lost, is not there any more.
    if (code === 0 || command.lines.some((line) => line.includes("is in use"))) {
      revocation.goneAt = Date.now();
      return;
    }
    await delay(500);
  }
  throw new Error(`the key of ${revocation.userId} could not be revoked`);
}

/** What somebody wrote, saw or was refused against the rules; empty after a correct round. */
export async function findTrespasses(
  sql: Pool,
  { launches, singles, sightFaults }: Ledger,
  revocation: Revocation,
): Promise<readonly string[]> {
  const authors = [
    ...launches.map(({ key, user }) => [key, user] as const),
    ...singles.map(({ mark, user }) => [mark, user] as const),
  ];
  await sql.query("CREATE TABLE chaos.author (mark text PRIMARY KEY, id text NOT NULL, half text NOT NULL)");
  await sql.query("INSERT INTO chaos.author SELECT * FROM unnest($1::text[], $2::text[], $3::text[])", [
    authors.map(([mark]) => mark),
    authors.map(([, { signed }]) => signed?.id),
    authors.map(([, { signed }]) => signed?.half),
  ]);
  const gone = new Date(revocation.goneAt ?? 0);
  const found: string[] = [];
  for (const { wrong, text, values = [] } of [
    { wrong: "a record was written by nobody, or beyond the writer's half of the world", text: BEYOND },
    { wrong: "a task has not the viewer who launched it", text: OTHER_VIEWER },
    {
      wrong: "a task wrote in an attempt that began after its key was gone",
      text: WRITTEN_AFTER,
      values: [revocation.userId, gone],
    },
    {
      wrong: "a task was launched with a key that was gone",
      text: "SELECT label, created_at FROM powercrud.task WHERE created_by = $1 AND created_at > $2",
      values: [revocation.userId, new Date(gone.getTime() + HEEDED_MS)],
    },
  ]) {
    found.push(...describeFindings(wrong, (await sql.query(text, [...values])).rows));
  }
  return [...found, ...describeFindings("a user was refused, or saw what is not for it", sightFaults)];
}

const BEYOND = `
  SELECT w.mark, w.lowest, w.highest, a.half FROM chaos.write w LEFT JOIN chaos.author a USING (mark)
  WHERE a.mark IS NULL OR CASE a.half WHEN 'north' THEN w.lowest < ${NORTH} ELSE w.highest >= ${NORTH} END`;
const OTHER_VIEWER = `
  SELECT t.label, t.created_by, a.id FROM powercrud.task t LEFT JOIN chaos.author a ON a.mark = t.label
  WHERE t.created_by IS DISTINCT FROM a.id`;
const WRITTEN_AFTER = `
  SELECT w.mark, w.at, began.started_at FROM chaos.write w
  JOIN powercrud.task t ON t.label = w.mark
  JOIN LATERAL (
    SELECT started_at FROM powercrud.attempt
    WHERE task_id = t.id AND started_at <= w.at ORDER BY number DESC LIMIT 1
  ) began ON true
  WHERE t.created_by = $1 AND began.started_at > $2`;

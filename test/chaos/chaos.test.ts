import { randomInt } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startPostgresServer, type PostgresServer } from "../support/postgres-server.ts";
import { spawnPowerCrud } from "../support/powercrud-process.ts";
import { INSTALL_AUDIT } from "./audit.ts";
import { runRound, type RoundReport, type TestBackend } from "./chaos-round.ts";
import { runStatement } from "./run-statement.ts";
import { signUp, type User } from "./signed-users.ts";
import { USER_COUNT } from "./users.ts";

/** In minutes for each backend; without it, one short round of the backend with more faults. See docs/testing.md. */
const MINUTES = Number(process.env["POWERCRUD_CHAOS_MINUTES"] ?? 0);
/** Repeats a round. Each round adds one to it. */
const GIVEN_SEED = process.env["POWERCRUD_CHAOS_SEED"];
const FIRST_SEED = Number(GIVEN_SEED ?? randomInt(1_000_000));
const BACKENDS: readonly TestBackend[] =
  MINUTES > 0 || GIVEN_SEED !== undefined ? ["postgres", "redis"] : ["redis"];
/** Whether each user signs in with an API key, sees and changes one half of the world, and one key ends in the middle. */
const IS_GUARDED = process.env["POWERCRUD_CHAOS_SIGN_IN"] === "true";
const TEMPLATE = "seeded";
/** A short round takes about 40 s on an idle machine; on a busy one it skips faults. */
const SHORT = { cycles: 1, maxMs: 45_000 };
const LONG = { cycles: 4, maxMs: 300_000 };
/** The timeout of the last round: start, faults, and recovery. */
const ROUND_MS = 420_000;

describe("a deployment of two APIs and three workers, under load and faults of every kind", () => {
  let postgres: PostgresServer;
  let signedUsers: readonly User[] | undefined;

  beforeAll(async () => {
    // It crashes and must keep confirmed commits. The machine goes on, so fsync is not needed.
    postgres = await startPostgresServer({ synchronous_commit: "on" });
    await runStatement(postgres.urlOf("postgres"), `CREATE DATABASE ${TEMPLATE}`);
    const seeding = await spawnPowerCrud(["seed"], {
      DATABASE_URL: postgres.urlOf(TEMPLATE),
      POWERCRUD_SEED_CITIES: "50000",
    });
    await seeding.exited;
    // Fails where the seed did.
    await runStatement(postgres.urlOf(TEMPLATE), INSTALL_AUDIT);
    signedUsers = IS_GUARDED ? await signUp(postgres.urlOf(TEMPLATE), USER_COUNT) : undefined;
  }, 120_000);

  afterAll(() => postgres.stop());

  it.each(BACKENDS)(
    "keeps every invariant with queue and messages in %s",
    async (backend) => {
      const end = Date.now() + MINUTES * 60_000;
      let seed = FIRST_SEED;
      do {
        const report = await runRound({
          backend,
          seed,
          ...(MINUTES > 0 ? LONG : SHORT),
          postgres,
          template: TEMPLATE,
          signedUsers,
        });
        console.log(describeRound(backend, seed, report));
        expect(report.findings, `POWERCRUD_CHAOS_SEED=${seed} finds this again`).toEqual([]);
        expect(report.incrementCount).toBeGreaterThanOrEqual(50_000);
        seed += 1;
      } while (Date.now() < end);
    },
    MINUTES * 60_000 + ROUND_MS,
  );
});

function describeRound(backend: string, seed: number, { findings, ...figures }: RoundReport): string {
  return `chaos on ${backend}, seed ${seed}, ${findings.length} findings: ${JSON.stringify(figures, null, 2)}`;
}

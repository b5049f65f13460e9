import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

/** These tests shorten the gate's timeout of 10 s to this. */
const BOUND_MS = 2000;
/** Added for a busy machine. */
const SLACK_MS = 10_000;

const WRITER = join(import.meta.dirname, "gate-writer.mjs");

let engine: EngineFixture;

beforeAll(async () => {
  engine = await createEngineFixture();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 20);
});

/** Starts a process that enters the gate for record 1 and writes it, and stops it before its commit. */
async function stopInTheGate(verb: "guard" | "claim"): Promise<ChildProcess> {
  const child = fork(WRITER, [engine.databaseUrl, verb]);
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const [message] = await withDeadline(once(child, "message"), 20_000, "the writer to enter the gate");
  expect(message).toBe("in the gate");
  child.kill("SIGSTOP");
  return child;
}

/** Changes the constant in functions/gate.sql, for this database. */
async function shortenTimeout(): Promise<void> {
  const [row] = await engine.session.query<{ text: string }>(
    "SELECT pg_get_functiondef('powercrud.enter_locks(text[], boolean)'::regprocedure) AS text",
  );
  const text = row?.text.replaceAll("10 s", "2 s").replaceAll("10s", "2s") ?? "";
  expect(text).toContain("set_config('idle_in_transaction_session_timeout', '2s', true)");
  await engine.session.query(text);
}

it("the gate sets a timeout of 10 s for its transaction, unless the session's own is shorter", async () => {
  const client = await engine.pool.connect();
  const timeout = async (): Promise<unknown> => {
    const { rows } = await client.query("SHOW idle_in_transaction_session_timeout");
    return rows[0]?.idle_in_transaction_session_timeout;
  };
  try {
    const usual = await timeout();
    expect(usual).toBe("1min");
    await client.query("BEGIN");
    expect(await timeout()).toBe("1min");
    await client.query("SELECT * FROM powercrud.guard_record('Thing', '1', '')");
    expect(await timeout()).toBe("10s");
    await client.query("COMMIT");
    expect(await timeout()).toBe("1min");
    await client.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '2s'");
    await client.query("SELECT * FROM powercrud.guard_record('Thing', '1', '')");
    expect(await timeout()).toBe("2s");
    await client.query("ROLLBACK");
    await client.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0");
    await client.query("SELECT powercrud.enter_locks(ARRAY['Thing'], true)");
    expect(await timeout()).toBe("10s");
    await client.query("ROLLBACK");
  } finally {
    client.release();
  }
});

describe("a process that is stopped in the gate", () => {
  beforeAll(shortenTimeout);

  it.each(["guard", "claim"] as const)(
    "by a %s delays a launch by the gate's timeout at most, and its write is rolled back",
    async (verb) => {
      const child = await stopInTheGate(verb);
      const begun = Date.now();
      const task = await withDeadline(
        engine.launched({
          operation: "UPDATE",
          change: { count: { set: 7 } },
          selection: { ids: ["1"] },
          options: { mode: "SYNC" },
        }),
        BOUND_MS + SLACK_MS,
        "the launch",
      );
      expect(task.status).toBe("SUCCEEDED");
      expect(Date.now() - begun).toBeGreaterThan(BOUND_MS / 2);
      const answered = once(child, "message");
      child.kill("SIGCONT");
      const [message] = await withDeadline(answered, 20_000, "the writer's answer");
      expect(message).toMatch(/^refused: /);
      const { rows } = await engine.pool.query("SELECT name, count FROM thing WHERE id = 1");
      expect(rows).toMatchObject([{ count: 7 }]);
      expect(rows).not.toMatchObject([{ name: "written in the gate" }]);
      expect(await lockOwners(engine.session)).toEqual([]);
    },
    60_000,
  );
});

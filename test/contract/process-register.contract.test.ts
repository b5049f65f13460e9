import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createPostgresProcessRegister } from "../../src/adapters/postgres/postgres-process-register.ts";
import type {
  BackendName,
  ProcessRegister,
  RunningProcess,
} from "../../src/core/processes/process-register.ts";
import type { PostgresWorld } from "./postgres-world.ts";
import { createPostgresWorld } from "./postgres-world.ts";
import { emptying } from "../support/empty-tables.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const SILENCE_S = 10;

/** That many seconds after a fixed time. */
const at = (seconds: number): Date => new Date(START + seconds * 1000);
/** Processes not seen since then are silent. */
const silentAt = (seconds: number): Date => at(seconds - SILENCE_S);

function processOf(id: string, backend: BackendName = "postgres", startedAt = at(0)): RunningProcess {
  return {
    id,
    role: "work",
    backend,
    host: "a",
    pid: 7,
    concurrency: 4,
    kinds: ["bulkUpdate", "count"],
    startedAt,
  };
}

describe("process register", () => {
  let world: PostgresWorld;
  let register: ProcessRegister;
  beforeAll(async () => {
    world = await createPostgresWorld();
    register = createPostgresProcessRegister({ session: createPgSession(world.pool) });
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    await world.pool.query(emptying("powercrud.process"));
  });

  const enlist = (process: RunningProcess, seconds: number): Promise<void> =>
    register.enlist(process, at(seconds), silentAt(seconds));
  const idsSince = async (since: Date): Promise<readonly string[]> =>
    (await register.list(since)).map(({ id }) => id);

  it("knows no process at first", async () => {
    expect(await register.list(at(-1000))).toEqual([]);
  });

  it("lists the processes seen since a time, in the order of their starts", async () => {
    const late: RunningProcess = {
      ...processOf("late", "postgres", at(2)),
      role: "serve",
      host: "b",
      pid: 9,
      concurrency: 0,
    };
    const early = processOf("early", "postgres", at(1));
    const twin = processOf("earlz", "postgres", at(1));
    await enlist(late, 5);
    await enlist(twin, 3);
    await enlist(early, 3);
    expect(await register.list(at(0))).toEqual([
      { ...early, seenAt: at(3) },
      { ...twin, seenAt: at(3) },
      { ...late, seenAt: at(5) },
    ]);
    expect(await idsSince(at(3))).toEqual(["early", "earlz", "late"]);
    expect(await idsSince(at(4))).toEqual(["late"]);
    expect(await idsSince(at(6))).toEqual([]);
  });

  it("lists a process that was forgotten, or never enlisted, once it announces itself", async () => {
    const process = processOf("one");
    await enlist(process, 0);
    await register.announce(process, at(4));
    expect(await register.list(at(4))).toEqual([{ ...process, seenAt: at(4) }]);
    await enlist(processOf("two"), 60);
    expect(await idsSince(at(0))).toEqual(["two"]);
    await register.announce(process, at(61));
    expect(await idsSince(at(0))).toEqual(["one", "two"]);
  });

  it("forgets a process that withdraws; the withdrawal of a stranger does nothing", async () => {
    await enlist(processOf("one"), 0);
    await enlist(processOf("two"), 0);
    await register.withdraw("one");
    await register.withdraw("one");
    await register.withdraw("stranger");
    expect(await idsSince(at(0))).toEqual(["two"]);
  });

  it("lists processes on another queue with the others", async () => {
    await enlist(processOf("one"), 0);
    await enlist(processOf("two", "redis"), 0);
    expect((await register.list(at(0))).map(({ id, backend }) => [id, backend])).toEqual([
      ["one", "postgres"],
      ["two", "redis"],
    ]);
  });
});

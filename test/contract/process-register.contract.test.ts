import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMemoryProcessRegister } from "../../src/adapters/memory/memory-process-register.ts";
import { createPgSession } from "../../src/adapters/postgres/pg-session.ts";
import { createPostgresProcessRegister } from "../../src/adapters/postgres/postgres-process-register.ts";
import type {
  BackendName,
  ProcessRegister,
  RunningProcess,
} from "../../src/core/processes/process-register.ts";
import type { PostgresWorld } from "./postgres-world.ts";
import { createPostgresWorld } from "./postgres-world.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const SILENCE_S = 10;

/** So many seconds after the start of all tests. */
const at = (seconds: number): Date => new Date(START + seconds * 1000);
/** Whoever was not heard of since then is silent, at so many seconds. */
const silentAt = (seconds: number): Date => at(seconds - SILENCE_S);

function processOf(id: string, backend: BackendName = "postgres", startedAt = at(0)): RunningProcess {
  return { id, role: "work", backend, host: "a", pid: 7, concurrency: 4, startedAt };
}

interface Kind {
  readonly name: string;
  open(): Promise<void>;
  /** One that knows of nobody. */
  create(): Promise<ProcessRegister>;
  close(): Promise<void>;
}

let world: PostgresWorld;
const KINDS: readonly Kind[] = [
  {
    name: "memory",
    open: async () => undefined,
    create: async () => createMemoryProcessRegister(),
    close: async () => undefined,
  },
  {
    name: "postgres",
    async open() {
      world = await createPostgresWorld();
    },
    async create() {
      await world.pool.query("TRUNCATE powercrud.process");
      await world.pool.query("UPDATE powercrud.backend SET name = 'postgres'");
      const { unitOfWork, pool } = world;
      return createPostgresProcessRegister({ session: createPgSession(pool), unitOfWork });
    },
    close: () => world.close(),
  },
];

describe.each(KINDS)("process register: $name", ({ open, create, close }) => {
  let register: ProcessRegister;
  beforeAll(open);
  afterAll(close);
  beforeEach(async () => {
    register = await create();
  });

  const enlist = (process: RunningProcess, seconds: number): Promise<void> =>
    register.enlist(process, at(seconds), silentAt(seconds));
  const idsSince = async (since: Date): Promise<readonly string[]> =>
    (await register.list(since)).map(({ id }) => id);

  it("knows of nobody at first, and keeps the locks in PostgreSQL", async () => {
    expect(await register.list(at(-1000))).toEqual([]);
    expect(await register.backend()).toBe("postgres");
  });

  it("lists those heard of since, as they are, in the order in which they started", async () => {
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

  it("hears of a process again, and remembers one that was forgotten or never enlisted", async () => {
    const process = processOf("one");
    await enlist(process, 0);
    await register.announce(process, at(4));
    expect(await register.list(at(4))).toEqual([{ ...process, seenAt: at(4) }]);
    await enlist(processOf("two"), 60);
    expect(await idsSince(at(0))).toEqual(["two"]);
    await register.announce(process, at(61));
    expect(await idsSince(at(0))).toEqual(["one", "two"]);
  });

  it("forgets who withdraws, and is told nothing by a stranger's withdrawal", async () => {
    await enlist(processOf("one"), 0);
    await enlist(processOf("two"), 0);
    await register.withdraw("one");
    await register.withdraw("one");
    await register.withdraw("nobody");
    expect(await idsSince(at(0))).toEqual(["two"]);
  });

  it("refuses another backend while others that were heard of use theirs, and changes nothing", async () => {
    await enlist(processOf("one"), 0);
    await register.announce(processOf("one"), at(20));
    await expect(enlist(processOf("two", "redis"), 30)).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringMatching(
        /^This process would keep its locks in redis, but process one keeps them in postgres\./,
      ),
    });
    expect(await register.backend()).toBe("postgres");
    expect(await idsSince(at(0))).toEqual(["one"]);
  });

  it("moves to another backend once the others are silent or gone, and back", async () => {
    await enlist(processOf("gone"), 0);
    await register.withdraw("gone");
    await enlist(processOf("silent"), 9);
    await enlist(processOf("two", "redis"), 20);
    expect(await register.backend()).toBe("redis");
    expect(await idsSince(at(0))).toEqual(["two"]);
    await enlist(processOf("three", "redis"), 20);
    await expect(enlist(processOf("four"), 21)).rejects.toMatchObject({ code: "START_FAILED" });
    await register.withdraw("two");
    await register.withdraw("three");
    await enlist(processOf("four"), 21);
    expect(await register.backend()).toBe("postgres");
  });

  it("lets one backend win where processes of two enlist together", async () => {
    const enlisted = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => enlist(processOf(`p${n}`, n % 2 === 0 ? "redis" : "postgres"), 0)),
    );
    const listed = await register.list(at(0));
    const current = await register.backend();
    expect(listed).toHaveLength(4);
    expect(listed.every(({ backend }) => backend === current)).toBe(true);
    expect(enlisted.filter(({ status }) => status === "fulfilled")).toHaveLength(4);
  });
});

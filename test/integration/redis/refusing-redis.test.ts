import { mkdir, rm } from "node:fs/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { insertThings } from "../../support/thing-fixture.ts";

let redis: RedisServer;
let operator: Redis;
let engine: EngineFixture;

beforeAll(async () => {
  redis = await startRedisServer();
  operator = new Redis(redis.url.replace("//", "//operator:secret@"), { lazyConnect: true });
  const first = new Redis(redis.url);
  await first.call("ACL", "SETUSER", "operator", "on", ">secret", "~*", "&*", "+@all");
  first.disconnect();
  await operator.connect();
  engine = await createEngineFixture({ redisUrl: redis.url });
  await insertThings(engine.session, 20);
});
afterAll(async () => {
  await engine.stop();
  operator.disconnect();
  await redis.stop();
});

/** What becomes of a launch, and of a guard. */
async function outcomes(): Promise<readonly unknown[]> {
  const launch = await engine.launch({
    operation: "UPDATE",
    change: { count: { set: 1 } },
    selection: { ids: ["1"] },
    options: { mode: "SYNC" },
  });
  const guard = engine.ports.unitOfWork.run((transaction) =>
    engine.ports.locks.guard(transaction, [{ model: "Thing", ids: ["2"] }]),
  );
  return [launch, await guard.catch((error: unknown) => error)];
}

/** A launch writes to Redis, a guard only looks. */
function refused(message: string, isLookRefused: boolean): readonly object[] {
  return [
    { kind: "UNAVAILABLE", message },
    isLookRefused ? { code: "UNAVAILABLE", message } : { kind: "GRANTED" },
  ];
}

async function untilBgsaveFailed(): Promise<void> {
  while (!(await operator.info("persistence")).includes("rdb_last_bgsave_status:err"));
}

async function untilBusy(): Promise<void> {
  const onlooker = new Redis(redis.url, { retryStrategy: () => null, enableReadyCheck: false });
  onlooker.on("error", () => undefined);
  const isServed = (): Promise<boolean> =>
    onlooker.ping().then(
      () => true,
      () => false,
    );
  while (await isServed());
  onlooker.disconnect();
}

describe("a Redis that answers, and refuses", () => {
  it("because it cannot save: MISCONF", async () => {
    const [, folder = ""] = await operator.config("GET", "dir");
    await operator.config("SET", "save", "3600 1");
    await rm(folder, { recursive: true });
    onTestFinished(async () => {
      await mkdir(folder, { recursive: true });
      await operator.config("SET", "save", "");
    });
    await operator.bgsave();
    await withDeadline(untilBgsaveFailed(), 10_000, "a failed save");
    expect(await outcomes()).toMatchObject(
      refused("Redis refuses writes: it cannot save its data to disk.", false),
    );
  });

  it("because it has too few replicas: NOREPLICAS", async () => {
    await operator.config("SET", "min-replicas-to-write", "1");
    onTestFinished(async () => void (await operator.config("SET", "min-replicas-to-write", "0")));
    expect(await outcomes()).toMatchObject(refused("Redis refuses writes: it has too few replicas.", false));
  });

  it("because its memory is full: OOM", async () => {
    await operator.config("SET", "maxmemory", "1");
    onTestFinished(async () => void (await operator.config("SET", "maxmemory", "0")));
    expect(await outcomes()).toMatchObject(refused("Redis refuses writes: its memory is full.", false));
  });

  it.each([
    ["the script", ["-eval", "-evalsha"], ["+eval", "+evalsha"], true],
    ["a command in the script", ["-hset"], ["+hset"], false],
    ["the keys", ["resetkeys", "~other:*"], ["~*"], true],
  ])("because its user may not: NOPERM of %s", async (_what, taken, given, isLookRefused) => {
    await operator.call("ACL", "SETUSER", "default", ...taken);
    onTestFinished(async () => void (await operator.call("ACL", "SETUSER", "default", ...given)));
    expect(await outcomes()).toMatchObject(
      refused("Redis does not permit its user what this service needs.", isLookRefused),
    );
  });

  it("because a script keeps it: BUSY", async () => {
    await operator.config("SET", "busy-reply-threshold", "1");
    const looping = new Redis(redis.url);
    const looped = looping.eval("while true do end", 0).catch((error: unknown) => error);
    onTestFinished(async () => {
      await operator.call("SCRIPT", "KILL");
      await looped;
      looping.disconnect();
    });
    await withDeadline(untilBusy(), 10_000, "a busy server");
    expect(await outcomes()).toMatchObject(refused("Redis is busy with a script.", true));
  });

  it("and serves again when it relents", async () => {
    const [launch, guard] = await outcomes();
    expect(launch).toMatchObject({ kind: "LAUNCHED" });
    expect(guard).toEqual({ kind: "GRANTED" });
  });
});

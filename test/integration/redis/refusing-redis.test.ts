import { mkdir, rm } from "node:fs/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { LaunchOutcome } from "../../../src/core/tasks/launch/launch-outcome.ts";
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

/** The outcomes of an asynchronous launch, a synchronous launch, and the guard of a single write. */
async function outcomes(): Promise<readonly unknown[]> {
  const launch = (id: string, mode: "ASYNC" | "SYNC"): Promise<LaunchOutcome> =>
    engine.launch({
      operation: "UPDATE",
      change: { count: { set: 1 } },
      selection: { ids: [id] },
      options: { mode },
    });
  const guard = engine.ports.unitOfWork.run((transaction) =>
    engine.ports.locks.guard(transaction, [{ model: "Thing", ids: ["2"] }]),
  );
  return [await launch("1", "ASYNC"), await launch("3", "SYNC"), await guard];
}

/** Locks are in PostgreSQL, so the others succeed. */
const ONLY_THE_QUEUE_IS_REFUSED = [
  { kind: "UNAVAILABLE", message: expect.stringContaining("nothing was changed") },
  { kind: "LAUNCHED", task: { status: "SUCCEEDED" } },
  { kind: "GRANTED" },
];

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

describe("a Redis that answers, and refuses commands", () => {
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
    expect(await outcomes()).toMatchObject(ONLY_THE_QUEUE_IS_REFUSED);
  });

  it("because it has too few replicas: NOREPLICAS", async () => {
    await operator.config("SET", "min-replicas-to-write", "1");
    onTestFinished(async () => void (await operator.config("SET", "min-replicas-to-write", "0")));
    expect(await outcomes()).toMatchObject(ONLY_THE_QUEUE_IS_REFUSED);
  });

  it("because its memory is full: OOM", async () => {
    await operator.config("SET", "maxmemory", "1");
    onTestFinished(async () => void (await operator.config("SET", "maxmemory", "0")));
    expect(await outcomes()).toMatchObject(ONLY_THE_QUEUE_IS_REFUSED);
  });

  it.each([
    ["the script", ["-eval", "-evalsha"], ["+eval", "+evalsha"]],
    ["a command in the script", ["-hset", "-hmset"], ["+hset", "+hmset"]],
    ["the keys", ["resetkeys", "~other:*"], ["~*"]],
  ])("because its user may not: NOPERM of %s", async (_what, taken, given) => {
    await operator.call("ACL", "SETUSER", "default", ...taken);
    onTestFinished(async () => void (await operator.call("ACL", "SETUSER", "default", ...given)));
    expect(await outcomes()).toMatchObject(ONLY_THE_QUEUE_IS_REFUSED);
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
    expect(await outcomes()).toMatchObject(ONLY_THE_QUEUE_IS_REFUSED);
  });

  it("and is used again when it accepts commands", async () => {
    expect(await outcomes()).toMatchObject([{ kind: "LAUNCHED" }, { kind: "LAUNCHED" }, { kind: "GRANTED" }]);
  });
});

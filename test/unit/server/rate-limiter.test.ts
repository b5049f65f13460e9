import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { RateStore } from "../../../src/core/access/rate-store.ts";
import { isAppError } from "../../../src/kernel/app-error.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { fullViewer } from "../../../src/core/access/viewer.ts";
import type { AuditEntry } from "../../../src/kernel/audit.ts";
import type { CallersRequest } from "../../../src/server/callers/peer.ts";
import { CallerGuard } from "../../../src/server/callers/caller-guard.ts";
import type { Peer } from "../../../src/server/callers/peer.ts";
import { holderOf } from "../../../src/server/callers/peer.ts";
import type { RateState } from "../../../src/server/rate-limiter.ts";
import { RateLimiter } from "../../../src/server/rate-limiter.ts";

const ANN = { id: "ann" };
const NOBODY = { id: null };
const at = (address: string, forwardedFor?: string): Peer => ({ address, forwardedFor });

interface Limits {
  readonly store?: RateStore;
  readonly proxyHops?: number;
}

const limiterOf = (perMinute: number, { store }: Limits = {}): RateLimiter =>
  new RateLimiter({ perMinute, store, logger: createSilentLogger(), message: `At most ${perMinute}.` });

const requestFrom = (peer: Peer | undefined): CallersRequest => ({
  headers: new Headers({ "x-request-id": "edge-1" }),
  peer,
  rate: undefined,
});

function open(perMinute: number, more: Limits = {}) {
  const guard = new CallerGuard({
    operations: perMinute === 0 ? undefined : limiterOf(perMinute, more),
    maxConnectionsPerViewer: 0,
    proxyHops: more.proxyHops ?? 0,
  });
  return {
    count(viewer: { id: string | null }, peer: Peer | undefined): RateState | undefined {
      const request = requestFrom(peer);
      guard.count({ viewer: fullViewer(viewer) }, request);
      return request.rate;
    },
  };
}

/** How many of so many operations are let through. */
function admitted(
  limiter: ReturnType<typeof open>,
  count: number,
  viewer = ANN as { id: string | null },
  peer = at("1.1.1.1"),
): number {
  let passed = 0;
  for (let n = 0; n < count; n += 1) {
    try {
      limiter.count(viewer, peer);
      passed += 1;
    } catch (error) {
      if (!isAppError(error, "RATE_LIMITED")) {
        throw error;
      }
    }
  }
  return passed;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A store for several limiters that counts what it is asked. */
function createStore(): RateStore & { readonly asked: number[] } {
  const counts = new Map<string, number>();
  const asked: number[] = [];
  return {
    asked,
    add(key, count) {
      asked.push(count);
      counts.set(key, (counts.get(key) ?? 0) + count);
      return Promise.resolve({ count: counts.get(key) ?? 0, msLeft: 30_000 });
    },
  };
}

describe("the rate limit", () => {
  it("is for each viewer, wherever it is, and for each address of callers without a name", () => {
    const limiter = open(10);
    expect(admitted(limiter, 6, ANN, at("1.1.1.1"))).toBe(6);
    expect(admitted(limiter, 6, ANN, at("2.2.2.2"))).toBe(4);
    expect(admitted(limiter, 6, { id: "ben" }, at("1.1.1.1"))).toBe(6);
    expect(admitted(limiter, 12, NOBODY, at("1.1.1.1"))).toBe(10);
    expect(admitted(limiter, 12, NOBODY, at("2.2.2.2"))).toBe(10);
  });

  it("says when to come back", () => {
    const limiter = open(1);
    limiter.count(ANN, undefined);
    expect(() => limiter.count(ANN, undefined)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/^At most 1\. Try again in \d+ s\.$/),
        details: {
          perMinute: 1,
          retryAfterSeconds: expect.any(Number),
          http: {
            status: 429,
            headers: {
              "retry-after": expect.stringMatching(/^\d+$/),
              "ratelimit-limit": "1",
              "ratelimit-remaining": "0",
              "ratelimit-reset": expect.stringMatching(/^\d+$/),
              "ratelimit-policy": "1;w=60",
            },
          },
        },
      }),
    );
  });

  it("begins anew after a minute", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const limiter = open(5);
    expect(admitted(limiter, 9)).toBe(5);
    vi.advanceTimersByTime(59_000);
    expect(admitted(limiter, 9)).toBe(0);
    vi.advanceTimersByTime(2_000);
    expect(admitted(limiter, 9)).toBe(5);
  });

  it("holds for all processes, within a twentieth each, and asks the store once for a twentieth", async () => {
    const store = createStore();
    const limiters = [open(100, { store }), open(100, { store })];
    let count = 0;
    for (let round = 0; round < 200; round += 1) {
      count += admitted(limiters[round % 2] as ReturnType<typeof open>, 1);
      await settled();
    }
    expect(count).toBeGreaterThanOrEqual(100);
    expect(count).toBeLessThanOrEqual(110);
    expect(store.asked).toEqual(Array.from({ length: store.asked.length }, () => 5));
    expect(store.asked.length).toBeLessThanOrEqual(22);
  });

  it("tells what came while the store was asked as soon as that has answered", async () => {
    const store = createStore();
    const [quick, other] = [open(100, { store }), open(100, { store })];
    expect(admitted(quick, 200)).toBe(100);
    await settled();
    expect(store.asked).toEqual([5, 95]);
    expect(admitted(other, 5)).toBe(5);
    await settled();
    expect(admitted(other, 5)).toBe(0);
  });

  it("costs a caller who asks for little nothing", async () => {
    const store = createStore();
    admitted(open(1000, { store }), 49);
    await settled();
    expect(store.asked).toEqual([]);
  });

  it("is each process' own while the store is lost", async () => {
    const limiter = open(100, { store: { add: () => Promise.reject(new Error("lost")) } });
    let count = 0;
    for (let round = 0; round < 150; round += 1) {
      count += admitted(limiter, 1);
      await settled();
    }
    expect(count).toBe(100);
  });

  it.each([
    [0, "9.9.9.9, 1.1.1.1", "7.7.7.7", false],
    [1, "9.9.9.9, 1.1.1.1", "8.8.8.8, 1.1.1.1", true],
    [2, "9.9.9.9, 1.1.1.1", "9.9.9.9, 2.2.2.2", true],
    [1, "1.1.1.1", "2.2.2.2", false],
  ])("with %i proxies, %j and %j are one caller: %j", (proxyHops, one, other, isSame) => {
    const limiter = open(1, { proxyHops });
    const peers =
      proxyHops === 0 ? [at("5.5.5.5", one), at("6.6.6.6", one)] : [at("5.5.5.5", one), at("5.5.5.5", other)];
    admitted(limiter, 1, NOBODY, peers[0]);
    expect(admitted(limiter, 1, NOBODY, peers[1])).toBe(isSame ? 0 : 1);
  });

  it("is none for 0, and where neither viewer nor address is known", () => {
    expect(admitted(open(0), 500)).toBe(500);
    const limiter = open(1);
    limiter.count(NOBODY, undefined);
    limiter.count(NOBODY, undefined);
  });
});

/** A guard, with what it notes. */
function createGuard(options: Partial<ConstructorParameters<typeof CallerGuard>[0]> = {}) {
  const noted: AuditEntry[] = [];
  const audit = (entry: AuditEntry): void => void noted.push(entry);
  return {
    guard: new CallerGuard({ maxConnectionsPerViewer: 2, proxyHops: 0, audit, ...options }),
    noted,
  };
}

describe("failed sign-ins", () => {
  const wrong = { reason: "unknown", isTry: true } as const;
  it("are limited for each address, and each refusal is noted once, with its reason", () => {
    const { guard, noted } = createGuard({ failures: limiterOf(3) });
    const here = requestFrom(at("1.1.1.1"));
    for (let time = 0; time < 3; time += 1) {
      guard.admitTry(here);
      expect(guard.refuse(here, wrong)).toMatchObject({ code: "UNAUTHENTICATED" });
    }
    expect(() => guard.admitTry(here)).toThrow(
      expect.objectContaining({
        code: "RATE_LIMITED",
        details: expect.objectContaining({
          http: { status: 429, headers: expect.objectContaining({ "retry-after": "60" }) },
        }),
      }),
    );
    guard.admitTry(requestFrom(at("2.2.2.2")));
    guard.admitTry(requestFrom(undefined));
    const line = { action: "connect", viewerId: null, peer: "1.1.1.1", requestId: "edge-1" };
    expect(noted).toEqual([
      ...Array.from({ length: 3 }, () => ({ ...line, outcome: "unauthenticated", reason: "unknown" })),
      { ...line, outcome: "rate_limited", reason: "failed sign-ins" },
    ]);
  });

  it("do not count where nothing was sent, and are noted with the key where that is known", () => {
    const { guard, noted } = createGuard({ failures: limiterOf(1) });
    const here = requestFrom(at("1.1.1.1"));
    guard.refuse(here, { reason: "nothing sent", isTry: false });
    guard.refuse(here, { reason: "nothing sent", isTry: false });
    guard.admitTry(here);
    guard.refuse(here, { reason: "revoked", key: "k1", viewerId: "ann", isTry: true });
    expect(() => guard.admitTry(here)).toThrow("Try again in");
    expect(noted[2]).toMatchObject({ action: "key", reason: "revoked", key: "k1", viewerId: "ann" });
  });

  it("are one caller's from a whole network of IPv6, and from an address in either spelling", () => {
    expect(holderOf("2001:DB8:1:2:3:4:5:6")).toBe(holderOf("2001:db8:1:2::9"));
    expect(holderOf("2001:db8:1:3::9")).not.toBe(holderOf("2001:db8:1:2::9"));
    expect(holderOf("::1")).toBe("0:0:0:0::/64");
    expect(holderOf("::ffff:1.2.3.4")).toBe("1.2.3.4");
    expect(holderOf("1.2.3.4")).toBe("1.2.3.4");
  });
});

describe("the connections of a viewer", () => {
  const ann = { viewer: fullViewer(ANN) };
  it("are limited, and each gives its place back once", () => {
    const { guard, noted } = createGuard();
    const request = requestFrom(at("1.1.1.1"));
    const leaves = [guard.enter(ann, request), guard.enter(ann, request)];
    expect(() => guard.enter(ann, request)).toThrow("At most 2 connections per viewer. Close some first.");
    guard.enter({ viewer: fullViewer({ id: "ben" }) }, request);
    expect(noted).toEqual([expect.objectContaining({ outcome: "limit", viewerId: "ann", peer: "1.1.1.1" })]);
    leaves[0]?.();
    leaves[0]?.();
    guard.enter(ann, request);
    expect(() => guard.enter(ann, request)).toThrow("At most 2");
  });

  it("are not counted for callers without a name, nor where any number is allowed", () => {
    const { guard } = createGuard();
    const unlimited = createGuard({ maxConnectionsPerViewer: 0 }).guard;
    const enterMany = (): void => {
      for (let count = 0; count < 5; count += 1) {
        guard.enter({ viewer: fullViewer(NOBODY) }, requestFrom(undefined));
        unlimited.enter(ann, requestFrom(undefined));
      }
    };
    expect(enterMany).not.toThrow();
  });
});

import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { RateStore } from "../../../src/core/access/rate-store.ts";
import { isAppError } from "../../../src/kernel/app-error.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import type { Peer } from "../../../src/server/rate-limiter.ts";
import { RateLimiter } from "../../../src/server/rate-limiter.ts";

const ANN = { id: "ann" };
const NOBODY = { id: null };
const at = (address: string, forwardedFor?: string): Peer => ({ address, forwardedFor });

function open(perMinute: number, more: { readonly store?: RateStore; readonly proxyHops?: number } = {}) {
  return new RateLimiter({ perMinute, proxyHops: 0, logger: createSilentLogger(), ...more });
}

/** How many of so many operations are let through. */
function admitted(
  limiter: RateLimiter,
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
        message: expect.stringMatching(/^At most 1 operations in a minute .* Try again in \d+ s\.$/),
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
      count += admitted(limiters[round % 2] as RateLimiter, 1);
      await settled();
    }
    expect(count).toBeGreaterThanOrEqual(100);
    expect(count).toBeLessThanOrEqual(110);
    expect(store.asked).toEqual(Array.from({ length: store.asked.length }, () => 5));
    expect(store.asked.length).toBeLessThanOrEqual(22);
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

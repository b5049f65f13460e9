import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, it, onTestFinished } from "vitest";
import type { StoredApiKey } from "../../../src/core/access/api-key.ts";
import { makeKey } from "../../../src/core/access/api-key.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { announceRevocation, createApiKeyVerifier } from "../../../src/server/callers/api-key-verifier.ts";
import type { Caller } from "../../../src/server/callers/caller.ts";
import type { Callers, CallersOptions } from "../../../src/server/callers/callers.ts";
import { createCallers } from "../../../src/server/callers/callers.ts";
import type { JwtVerifierOptions } from "../../../src/server/callers/jwt-verifier.ts";
import { createJwtVerifier } from "../../../src/server/callers/jwt-verifier.ts";
import { Lifetime } from "../../../src/server/callers/lifetime.ts";
import { Verified } from "../../../src/server/callers/verified.ts";
import { createManualClock } from "../../support/manual-clock.ts";
import { createMemoryEventBus } from "../../support/memory/memory-event-bus.ts";

const REFUSAL = { code: "UNAUTHENTICATED", message: "Send Authorization: Bearer <API key or JWT>." };
const SECRET = "a secret of at least thirty-two characters";
const logger = createSilentLogger();

function identify(callers: Callers, token: string, scheme = "Bearer"): Promise<Caller> {
  const authorization = `${scheme} ${token}`;
  return Promise.resolve().then(() => callers.identify({ authorization, headers: new Headers() }));
}

/** Keys in memory, with the number of look-ups. */
function createKeys() {
  const clock = createManualClock();
  const bus = createMemoryEventBus({ logger });
  const rows = new Map<string, StoredApiKey>();
  const calls: string[] = [];
  let isDown = false;
  const reach = (call: string): void => {
    calls.push(call);
    if (isDown) {
      throw new Error("the database is down");
    }
  };
  const verifier = createApiKeyVerifier({
    clock,
    bus,
    logger,
    store: {
      async find(prefix) {
        reach("find");
        return rows.get(prefix);
      },
      async refresh({ ids, usedIds }) {
        reach(`refresh ${ids.length} used ${usedIds.length}`);
        return new Set([...rows.values()].filter((row) => row.revokedAt === null).map(({ id }) => id));
      },
    },
  });
  const add = (parts: Partial<StoredApiKey> = {}): string => {
    const { text, prefix, hash } = makeKey();
    rows.set(prefix, {
      id: prefix,
      name: "test",
      prefix,
      hash,
      viewer: { id: "ann", roles: ["editor"], claims: {} },
      scopes: ["read"],
      createdAt: clock.now(),
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
      ...parts,
    });
    return text;
  };
  const revoke = (text: string): string => {
    const prefix = text.split("_")[1] ?? "";
    const row = rows.get(prefix);
    rows.set(prefix, { ...row, revokedAt: clock.now() } as StoredApiKey);
    return prefix;
  };
  const callers = createCallers({ isRequired: true, keys: verifier });
  const setDown = (value: boolean): void => void (isDown = value);
  return { clock, bus, verifier, callers, calls, add, revoke, setDown };
}

/** Ends the turns of promises that are under way: nothing here waits for anything outside. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("API keys", () => {
  it("identify their viewer, and are looked up once while they are used", async () => {
    const { callers, calls, add, clock } = createKeys();
    const key = add();
    for (let time = 0; time < 4; time += 1) {
      const { viewer } = await identify(callers, key);
      const apiKeyId = key.split("_")[1];
      expect(viewer).toEqual({ id: "ann", roles: ["editor"], claims: {}, apiKeyId });
      clock.advance(5000);
      await settled();
    }
    expect(calls).toEqual(["find", ...Array.from({ length: 4 }, () => "refresh 1 used 1")]);
    clock.advance(5000);
    await identify(callers, key);
    expect(calls.at(-1)).toBe("find");
  });

  it("end at once when their revocation is announced, and what is open with them is told", async () => {
    const { callers, add, revoke, bus } = createKeys();
    const key = add();
    const { lifetime } = await identify(callers, key);
    let ended = 0;
    lifetime?.watch(() => (ended += 1));
    const unwatch = lifetime?.watch(() => (ended += 100));
    unwatch?.();
    await announceRevocation(bus, revoke(key));
    expect(ended).toBe(1);
    await expect(identify(callers, key)).rejects.toMatchObject(REFUSAL);
  });

  it("end within seconds where the announcement is lost, and stay while the database is away", async () => {
    const { callers, add, revoke, clock, setDown } = createKeys();
    const key = add();
    const other = add();
    const { lifetime } = await identify(callers, key);
    await identify(callers, other);
    let ended = 0;
    lifetime?.watch(() => (ended += 1));
    setDown(true);
    clock.advance(5000);
    await settled();
    expect([ended, (await identify(callers, key)).viewer.id]).toEqual([0, "ann"]);
    clock.advance(15_000);
    await settled();
    await expect(identify(callers, key)).rejects.toThrow("the database is down");
    setDown(false);
    revoke(key);
    clock.advance(5000);
    await settled();
    expect(ended).toBe(1);
    expect((await identify(callers, other)).viewer.id).toBe("ann");
  });

  it("end when they expire, also in the middle of something", async () => {
    const { callers, add, clock } = createKeys();
    const key = add({ expiresAt: new Date(clock.now().getTime() + 60_000) });
    const { lifetime } = await identify(callers, key);
    let ended = 0;
    lifetime?.watch(() => (ended += 1));
    clock.advance(59_999);
    expect(ended).toBe(0);
    clock.advance(1);
    expect(ended).toBe(1);
    await expect(identify(callers, key)).rejects.toMatchObject(REFUSAL);
  });

  it("of every wrong kind get the same answer", async () => {
    const { callers, add, revoke, clock } = createKeys();
    const key = add();
    const revoked = add();
    revoke(revoked);
    const wrong = [
      makeKey().text,
      `${key.slice(0, -2)}AA`,
      `${key}A`,
      key.toUpperCase(),
      `pck_${key.split("_")[1]}_`,
      "pck_",
      "x".repeat(100_000),
      revoked,
      add({ expiresAt: clock.now() }),
    ];
    for (const text of wrong) {
      await expect(identify(callers, text)).rejects.toMatchObject(REFUSAL);
    }
    for (const scheme of ["Basic", "", "Bearer Bearer"]) {
      await expect(identify(callers, key, scheme)).rejects.toMatchObject(REFUSAL);
    }
    expect((await identify(callers, key, "bearer")).viewer.id).toBe("ann");
  });
});

/** A caller who may be a stranger. */
const none = (callers: Callers): Promise<Caller> =>
  Promise.resolve().then(() => callers.identify({ authorization: undefined, headers: new Headers() }));

describe("callers", () => {
  it("without a credential are anonymous, or refused where one is required", async () => {
    expect((await none(createCallers({ isRequired: false }))).viewer.id).toBeNull();
    await expect(none(createCallers({ isRequired: true }))).rejects.toMatchObject(REFUSAL);
  });

  it("with a bad credential are refused, even where none is required", async () => {
    const { verifier } = createKeys();
    const callers = createCallers({ isRequired: false, keys: verifier });
    await expect(identify(callers, makeKey().text)).rejects.toMatchObject(REFUSAL);
  });

  it("are found by the app's own way in the place of keys, whose null is a stranger", async () => {
    const { verifier, add } = createKeys();
    const key = add();
    const options: CallersOptions = {
      isRequired: true,
      keys: verifier,
      authenticate: ({ headers }) => (headers.has("x-user") ? { id: headers.get("x-user") } : null),
    };
    const callers = createCallers(options);
    await expect(identify(callers, key)).rejects.toMatchObject(REFUSAL);
    const headers = new Headers({ "x-user": "bob" });
    expect((await callers.identify({ authorization: undefined, headers })).viewer).toEqual({
      id: "bob",
      roles: [],
      claims: {},
    });
    expect((await none(createCallers({ ...options, isRequired: false }))).viewer.id).toBeNull();
  });
});

describe("JWTs", () => {
  const clock = createManualClock(new Date());
  const nowS = Math.floor(clock.now().getTime() / 1000);
  const secretKey = new TextEncoder().encode(SECRET);
  const callersOf = (options: Partial<JwtVerifierOptions> = {}): Callers =>
    createCallers({
      isRequired: true,
      tokens: createJwtVerifier({ source: { secret: SECRET }, clock, ...options }),
    });
  const token = (claims: object, expiresAt: number | null = nowS + 60, alg = "HS256"): SignJWT => {
    const made = new SignJWT({ ...claims }).setProtectedHeader({ alg });
    return expiresAt === null ? made : made.setExpirationTime(expiresAt);
  };

  it("identify their viewer: sub, roles, and the claims that are about the viewer", async () => {
    const text = await token({ sub: "ann", roles: ["editor", 7], tenant: "a", jti: "1" }).sign(secretKey);
    expect((await identify(callersOf(), text)).viewer).toEqual({
      id: "ann",
      roles: ["editor"],
      claims: { tenant: "a" },
    });
    const single = await token({ sub: "ann", roles: "admin" }).sign(secretKey);
    expect((await identify(callersOf(), single)).viewer.roles).toEqual(["admin"]);
  });

  it("are read as the config says", async () => {
    const callers = callersOf({
      viewerOf: ({ claims }) => (claims["mail"] === "ann@x" ? { id: "ann", roles: ["boss"] } : null),
    });
    const text = await token({ mail: "ann@x" }).sign(secretKey);
    expect((await identify(callers, text)).viewer).toEqual({ id: "ann", roles: ["boss"], claims: {} });
    const other = await token({ mail: "bob@x" }).sign(secretKey);
    await expect(identify(callers, other)).rejects.toMatchObject(REFUSAL);
  });

  it("of every wrong kind get the same answer", async () => {
    const callers = callersOf({ issuer: "us", audience: "api" });
    const claims = { sub: "ann", iss: "us", aud: "api" };
    const good = await token(claims).sign(secretKey);
    expect((await identify(callers, good)).viewer.id).toBe("ann");
    const [head, body, signature] = good.split(".");
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: "root", exp: nowS + 60 }));
    const { privateKey } = await generateKeyPair("RS256");
    const wrong = {
      expired: await token(claims, nowS - 31).sign(secretKey),
      "not yet": await token({ ...claims, nbf: nowS + 31 }).sign(secretKey),
      "without end": await token(claims, null).sign(secretKey),
      "without sub": await token({ ...claims, sub: undefined }).sign(secretKey),
      "of another issuer": await token({ ...claims, iss: "them" }).sign(secretKey),
      "for others": await token({ ...claims, aud: "mail" }).sign(secretKey),
      "of another secret": await token(claims).sign(new TextEncoder().encode(`${SECRET}!`)),
      "of an algorithm that is not of secrets": await token(claims, nowS + 60, "RS256").sign(privateKey),
      unsigned: new UnsecuredJWT(claims).setExpirationTime(nowS + 60).encode(),
      forged: `${head}.${forged.toString("base64url")}.${signature}`,
      "without signature": `${head}.${body}.`,
      "no token": "nonsense",
    };
    const answers = await Promise.all(
      Object.entries(wrong).map(async ([kind, text]) => {
        const answer: unknown = await identify(callers, text).catch((error: unknown) => error);
        return { kind, answer };
      }),
    );
    expect(answers).toMatchObject(Object.keys(wrong).map((kind) => ({ kind, answer: REFUSAL })));
  });

  it("may be off by the clock's skew, and end in the middle of something", async () => {
    const callers = callersOf();
    const text = await token({ sub: "ann" }, nowS - 29).sign(secretKey);
    const { lifetime } = await identify(callers, text);
    let ended = 0;
    lifetime?.watch(() => (ended += 1));
    clock.advance(1000);
    expect(ended).toBe(1);
    await expect(identify(callers, text)).rejects.toMatchObject(REFUSAL);
  });

  it("of an issuer with key pairs are taken while its keys rotate, and its outage is no refusal", async () => {
    const pairs = await Promise.all(["RS256", "ES256"].map((alg) => generateKeyPair(alg)));
    const sign = async (at: number, alg: string): Promise<string> =>
      new SignJWT({ sub: `by ${at}` })
        .setProtectedHeader({ alg, kid: String(at) })
        .setExpirationTime(nowS + 600)
        .sign((pairs[at] as (typeof pairs)[0]).privateKey);
    let published: readonly number[] = [0];
    let status = 500;
    const asked: IncomingMessage[] = [];
    const server = createServer((request, response) => {
      asked.push(request);
      void Promise.all(
        published.map(async (at) => ({
          ...(await exportJWK((pairs[at] as (typeof pairs)[0]).publicKey)),
          kid: String(at),
        })),
      ).then((keys) => response.writeHead(status).end(JSON.stringify({ keys })));
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    onTestFinished(() => void server.close());
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    const callers = callersOf({ source: { jwksUrl }, jwksCooldownMs: 0 });
    const [first, second] = [await sign(0, "RS256"), await sign(1, "ES256")];

    await expect(identify(callers, first)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    status = 200;
    expect((await identify(callers, first)).viewer.id).toBe("by 0");
    await expect(identify(callers, second)).rejects.toMatchObject(REFUSAL);
    published = [1];
    expect((await identify(callers, second)).viewer.id).toBe("by 1");
    // The public key taken for a secret: the oldest trick.
    const publicKey = new TextEncoder().encode(JSON.stringify(await exportJWK(pairs[1]?.publicKey as never)));
    const confused = await token({ sub: "root" }).sign(publicKey);
    await expect(identify(callers, confused)).rejects.toMatchObject(REFUSAL);
    const asks = asked.length;
    await identify(callers, second);
    expect(asked).toHaveLength(asks);
  });
});

it("a lifetime of months ends on its day", () => {
  const clock = createManualClock();
  const days = 86_400_000;
  const lifetime = new Lifetime(clock, new Date(clock.now().getTime() + 90 * days));
  let ended = 0;
  lifetime.watch(() => (ended += 1));
  clock.advance(90 * days - 1);
  expect(ended).toBe(0);
  clock.advance(1);
  expect(ended).toBe(1);
});

it("remembers a bounded number of credentials", () => {
  const verified = new Verified<number>(3);
  for (let at = 0; at < 10; at += 1) {
    verified.set(String(at), at);
  }
  expect(["6", "7", "8", "9"].map((name) => verified.get(name))).toEqual([undefined, 7, 8, 9]);
});

import { request } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServerFixture, type ServerFixture } from "./server-fixture.ts";

let fixture: ServerFixture;
let file: string;
beforeAll(async () => {
  fixture = await startServerFixture();
  const id = await fixture.tasks.create();
  file = `/tasks/${id}/errors.jsonl`;
  await fixture.tasks.start(id);
  await fixture.tasks.settle(
    id,
    Array.from({ length: 3000 }, (_, at) => ({
      recordId: String(at),
      outcome: "FAILED" as const,
      code: "CONSTRAINT_VIOLATED" as const,
      message: "Taken.",
    })),
  );
});
afterAll(() => fixture.stop());

interface Raw {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

interface Types {
  readonly type?: string;
  readonly accept?: string;
}

/** Of the short way through HTTP, and of yoga's. */
const WAYS = ["application/json", "application/graphql+json"];

/** The answer as it comes; `fetch` would decompress it. */
function ask(
  path: string,
  encoding: string,
  query?: string,
  { type = "application/json", accept = "application/json" }: Types = {},
): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const asked = request(
      fixture.server.url + path,
      {
        // A connection that is kept may be closed by the server just when it is used again.
        agent: false,
        method: query === undefined ? "GET" : "POST",
        headers: { "content-type": type, accept, "accept-encoding": encoding },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
      },
    );
    asked.once("error", reject);
    asked.end(query === undefined ? undefined : JSON.stringify({ query }));
  });
}

const LONG = `{ ${Array.from({ length: 500 }, (_, at) => `field${at}: whoAmI`).join(" ")} }`;
const DECODERS: readonly (readonly [string, string, (body: Buffer) => Buffer])[] = [
  ["gzip", "gzip", gunzipSync],
  ["br", "br", brotliDecompressSync],
  ["gzip, deflate, br", "br", brotliDecompressSync],
  ["gzip;q=1, br;q=0", "gzip", gunzipSync],
];

describe.each(DECODERS)("a client that accepts %s", (accepted, encoding, decode) => {
  it.each(WAYS)("gets long answers compressed, for %s", async (type) => {
    const plain = await ask("/graphql", "identity", LONG, { type });
    const { headers, body } = await ask("/graphql", accepted, LONG, { type });
    expect(headers).toMatchObject({
      "content-encoding": encoding,
      vary: expect.stringMatching(/Accept-Encoding/i),
    });
    expect(headers["content-length"]).toBeUndefined();
    expect(body.length).toBeLessThan(plain.body.length / 2);
    expect(decode(body)).toEqual(plain.body);
  });

  it("gets files compressed", async () => {
    const plain = await ask(file, "identity");
    const { headers, body } = await ask(file, accepted);
    expect(headers).toMatchObject({ "content-encoding": encoding, vary: expect.stringMatching(/Origin/) });
    expect(decode(body)).toEqual(plain.body);
    expect(decode(body).toString().split("\n")).toHaveLength(3001);
  });
});

it.each(["identity", "", "deflate;q=0, zstd"])(
  "a client that accepts %j gets plain answers, with a header for caches",
  async (accepted) => {
    const { headers, body } = await ask("/graphql", accepted, LONG);
    expect(headers["content-encoding"]).toBeUndefined();
    expect(headers["vary"]).toMatch(/Accept-Encoding/i);
    expect(headers["content-length"]).toBe(String(body.length));
    expect(JSON.parse(body.toString())).toHaveProperty("data.field499", null);
  },
);

it.each(WAYS)("short answers and event streams are never compressed, for %s", async (type) => {
  const short = await ask("/graphql", "gzip, br", "{ whoAmI }", { type });
  expect(short.headers["content-encoding"]).toBeUndefined();
  expect(short.body.toString()).toBe(`{"data":{"whoAmI":null}}`);
  for (const accept of ["text/event-stream", "text/event-stream, application/json"]) {
    const events = await ask("/graphql", "gzip, br", "subscription { breaks }", { type, accept });
    expect(events.headers).toMatchObject({ "content-type": "text/event-stream" });
    expect(events.body.toString()).toContain(`data: {"data":{"breaks":1}}`);
  }
});

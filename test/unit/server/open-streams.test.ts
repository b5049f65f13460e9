import { describe, expect, it } from "vitest";
import { createOpenStreams } from "../../../src/server/open-streams.ts";

const DONE = { done: true, value: undefined };

/** Hands out a value, then nothing for ever, and is deaf to being left. */
function stuckStream(): AsyncIterable<number> {
  let step = 0;
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => (step++ === 0 ? Promise.resolve({ done: false, value: 1 }) : new Promise<never>(() => {})),
      return: () => new Promise<never>(() => {}),
    }),
  };
}

describe("open streams", () => {
  it("end, also for those who wait on a source that does not answer", async () => {
    const streams = createOpenStreams();
    const stream = streams.track(stuckStream());
    expect(await stream.next()).toEqual({ done: false, value: 1 });
    const pending = stream.next();
    streams.endAll();
    expect(await pending).toEqual(DONE);
    expect(await stream.next()).toEqual(DONE);
  });

  it("that come after the end are ended at once", async () => {
    const streams = createOpenStreams();
    streams.endAll();
    expect(await streams.track(stuckStream()).next()).toEqual(DONE);
  });

  it("pass on values, errors and their own end", async () => {
    const streams = createOpenStreams();
    async function* source() {
      yield "a";
      throw new Error("broken");
    }
    const stream = streams.track(source());
    expect(await stream.next()).toEqual({ done: false, value: "a" });
    await expect(stream.next()).rejects.toThrow("broken");
    expect(await stream.next()).toEqual(DONE);
  });

  it("tell the source when they are left", async () => {
    const streams = createOpenStreams();
    let isLeft = false;
    async function* source() {
      try {
        yield 1;
      } finally {
        isLeft = true;
      }
    }
    const stream = streams.track(source());
    await stream.next();
    await stream.return?.();
    expect(isLeft).toBe(true);
  });
});

import { describe, expect, it } from "vitest";
import { createPgNotifier } from "../../../../../src/adapters/postgres/events/pg-notifier.ts";
import type { SqlSession } from "../../../../../src/kernel/sql-session.ts";

/** A session whose statements the test answers. */
function createManualSession(): {
  session: SqlSession;
  answers: ((error?: Error) => void)[];
  payloads: string[][];
} {
  const answers: ((error?: Error) => void)[] = [];
  const payloads: string[][] = [];
  const session: SqlSession = {
    query: (_text, values = []) =>
      new Promise((resolve, reject) => {
        payloads.push(values[1] as string[]);
        answers.push((error) => (error === undefined ? resolve([]) : reject(error)));
      }),
  };
  return { session, answers, payloads };
}

describe("createPgNotifier", () => {
  it("sends one batch after the other, in order", async () => {
    const { session, answers, payloads } = createManualSession();
    const notifier = createPgNotifier(session);
    const first = notifier.notify("topic", "1");
    const others = ["2", "3"].map((payload) => notifier.notify("topic", payload));
    expect(payloads).toEqual([["1"]]);
    answers[0]?.();
    await first;
    expect(payloads).toEqual([["1"], ["2", "3"]]);
    answers[1]?.();
    await Promise.all(others);
  });

  it("rejects the calls of a failed batch, and sends the next batch", async () => {
    const { session, answers, payloads } = createManualSession();
    const notifier = createPgNotifier(session);
    const first = notifier.notify("topic", "1");
    const second = notifier.notify("topic", "2");
    answers[0]?.(new Error("down"));
    await expect(first).rejects.toThrow("down");
    expect(payloads).toHaveLength(2);
    answers[1]?.();
    await second;
  });

  it("refuses when the database does not keep up", async () => {
    const { session, payloads } = createManualSession();
    const notifier = createPgNotifier(session);
    for (let count = 0; count <= 10_000; count += 1) {
      notifier.notify("topic", "x").catch(() => undefined);
    }
    await expect(notifier.notify("topic", "one too many")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(payloads).toHaveLength(1);
  });
});

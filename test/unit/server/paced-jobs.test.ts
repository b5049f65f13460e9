import { expect, it } from "vitest";
import { PacedJobs } from "../../../src/server/paced-jobs.ts";

it("runs jobs in order, and lets the event loop turn between them", async () => {
  const jobs = new PacedJobs();
  const done: number[] = [];
  let turns = 0;
  const count = (): void => {
    turns += 1;
    if (done.length < 100) {
      setImmediate(count);
    }
  };
  setImmediate(count);
  await new Promise<void>((resolve) => {
    for (let job = 0; job < 100; job += 1) {
      jobs.run(() => {
        const end = performance.now() + 1;
        while (performance.now() < end) {
          // Busy, as sending is.
        }
        done.push(job);
        if (job === 99) {
          resolve();
        }
      });
    }
  });
  expect(done).toEqual(Array.from({ length: 100 }, (_, job) => job));
  expect(turns).toBeGreaterThan(10);
});

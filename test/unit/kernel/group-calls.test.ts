import { describe, expect, it } from "vitest";
import { groupCalls } from "../../../src/kernel/group-calls.ts";

/** Groups that the test ends. */
function createManualGroups(maxItems: number) {
  const groups: (readonly number[])[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const double = groupCalls<number, number>({
    maxItems,
    run: (items) =>
      new Promise((resolve, reject) => {
        groups.push(items);
        ends.push((error) => (error === undefined ? resolve(items.map((item) => item * 2)) : reject(error)));
      }),
  });
  return { groups, ends, double };
}

describe("groupCalls", () => {
  it("does one call at once, and those that come meanwhile together, each with its own result", async () => {
    const { groups, ends, double } = createManualGroups(2);
    const calls = [1, 2, 3, 4].map(double);
    expect(groups).toEqual([[1]]);
    expect(double.waiting).toBe(3);
    ends[0]?.();
    expect(await calls[0]).toBe(2);
    ends[1]?.();
    expect(await Promise.all(calls.slice(1, 3))).toEqual([4, 6]);
    ends[2]?.();
    expect(await calls[3]).toBe(8);
    expect(groups).toEqual([[1], [2, 3], [4]]);
  });

  it("pauses between two groups, so that the next one is larger", async () => {
    const groups: (readonly number[])[] = [];
    const call = groupCalls<number, void>({
      maxItems: 10,
      pauseMs: 5,
      run: async (items) => {
        groups.push(items);
        return [];
      },
    });
    await call(1);
    const later = [2, 3].map(call);
    await Promise.resolve();
    later.push(call(4));
    await Promise.all(later);
    expect(groups).toEqual([[1], [2, 3, 4]]);
  });

  it("rejects the calls of a failed group only, and goes on", async () => {
    const { ends, double } = createManualGroups(1);
    const calls = [1, 2].map(double);
    ends[0]?.(new Error("down"));
    await expect(calls[0]).rejects.toThrow("down");
    ends[1]?.();
    expect(await calls[1]).toBe(4);
  });
});

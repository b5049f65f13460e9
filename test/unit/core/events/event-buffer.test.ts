import { describe, expect, it } from "vitest";
import { createEventBuffer } from "../../../../src/core/events/event-buffer.ts";
import type { FeedEntry } from "../../../../src/core/events/feed-item.ts";
import type { TaskEventType } from "../../../../src/core/events/task-event.ts";
import { createTaskWorld, progressAt } from "./task-world.ts";

const world = createTaskWorld();

function entry(n: number, type: TaskEventType, position: number): FeedEntry {
  const at = new Date(0);
  const event = {
    position,
    taskId: world.id(n),
    sequence: 1,
    type,
    at,
    progress: progressAt(0),
    message: null,
  };
  return { event, task: world.task(n) };
}

function drain(buffer: ReturnType<typeof createEventBuffer>): string[] {
  const drained: string[] = [];
  for (let next = buffer.shift(); next !== undefined; next = buffer.shift()) {
    drained.push(`${next.event.type} ${next.event.position}`);
  }
  return drained;
}

describe("the event buffer", () => {
  it("hands events out in order, with a task's latest progress in the place of its first", () => {
    const buffer = createEventBuffer(10);
    const pushed = [
      entry(1, "PROGRESS", 1),
      entry(2, "CREATE", 5),
      entry(1, "PROGRESS", 2),
      entry(2, "START", 6),
    ];
    expect(pushed.map((one) => buffer.push(one))).toEqual([true, true, true, true]);
    expect(drain(buffer)).toEqual(["PROGRESS 2", "CREATE 5", "START 6"]);
  });

  it("drops progress once a lifecycle event of the same task waits after it", () => {
    const buffer = createEventBuffer(10);
    [entry(1, "PROGRESS", 1), entry(2, "PROGRESS", 1), entry(1, "COMPLETE", 7)].forEach((one) =>
      buffer.push(one),
    );
    expect(drain(buffer)).toEqual(["PROGRESS 1", "COMPLETE 7"]);
  });

  it("bounds lifecycle events, and tasks with waiting progress, by the same number", () => {
    const buffer = createEventBuffer(2);
    expect([1, 2, 3].map((position) => buffer.push(entry(9, "START", position)))).toEqual([
      true,
      true,
      false,
    ]);
    expect([1, 2, 3].map((n) => buffer.push(entry(n, "PROGRESS", n)))).toEqual([true, true, true]);
    expect(drain(buffer)).toEqual(["START 1", "START 2", "PROGRESS 1", "PROGRESS 2"]);
    expect(buffer.push(entry(9, "START", 4))).toBe(true);
    buffer.clear();
    expect(drain(buffer)).toEqual([]);
  });
});

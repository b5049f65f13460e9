import { expect, it } from "vitest";
import { describeNotification, statusPages } from "../../../../src/core/notifications/notification-text.ts";
import { progressOf } from "../../../../src/core/tasks/progress.ts";
import type { Task } from "../../../../src/core/tasks/task.ts";

const ports = {
  nameOf: (model: string) => `Big${model}`,
  statusPageOf: statusPages("https://app.example.com/{id}?task={id}"),
};

function describe(parts: Partial<Task>) {
  const task = {
    id: "7",
    kind: "bulkUpdate",
    model: "City",
    label: null,
    status: "SUCCEEDED",
    message: null,
  };
  const progress = progressOf(10, { succeeded: 10, failed: 0, skipped: 0 });
  return describeNotification(ports, { ...task, progress, isDryRun: false, ...parts } as Task);
}

it("a notification says what ended, how, with which counts, and where to look", () => {
  expect(describe({})).toEqual({
    title: "bulkUpdate of BigCity succeeded",
    text: "10 of 10 records succeeded.",
    statusPageUrl: "https://app.example.com/7?task=7",
  });
  const partly = progressOf(10, { succeeded: 5, failed: 2, skipped: 1 });
  expect(
    describe({ status: "PARTIAL", label: "Fix", message: "Two failed.", progress: partly }),
  ).toMatchObject({
    title: '"Fix" succeeded in part',
    text: "5 of 10 records succeeded, 2 failed, 1 was skipped, 2 were not reached. Two failed.",
  });
  const none = progressOf(null, { succeeded: 0, failed: 0, skipped: 0 });
  expect(
    describe({ kind: "rebuild", model: null, status: "FAILED", message: "boom", progress: none }),
  ).toMatchObject({
    title: "rebuild failed",
    text: "boom",
  });
  expect(describe({ status: "CANCELLED", label: "a\n b" }).title).toBe('"a b" was cancelled');
  expect(describe({ isDryRun: true }).text).toBe("In a dry run, 10 of 10 records succeeded.");
});

it("without a pattern there is no status page", () => {
  expect(statusPages(undefined)("7")).toBeNull();
});

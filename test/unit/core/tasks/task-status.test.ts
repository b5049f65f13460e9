import { describe, expect, it } from "vitest";
import {
  canTransition,
  isFinal,
  statusesBefore,
  TASK_STATUSES,
} from "../../../../src/core/tasks/task-status.ts";

describe("task status", () => {
  it("never leaves a final status", () => {
    const finals = TASK_STATUSES.filter(isFinal);
    expect(finals).toEqual(["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"]);
    for (const from of finals) {
      expect(TASK_STATUSES.filter((to) => canTransition(from, to))).toEqual([]);
    }
  });

  it("reaches every final status from RUNNING, RUNNING again by rescue, and PENDING and PAUSED", () => {
    expect(TASK_STATUSES.filter((to) => canTransition("RUNNING", to))).toEqual([
      "PENDING",
      "RUNNING",
      "PAUSED",
      "SUCCEEDED",
      "PARTIAL",
      "FAILED",
      "CANCELLED",
    ]);
  });

  it("lists the statuses that a status may follow", () => {
    expect(statusesBefore("RUNNING")).toEqual(["PENDING", "RUNNING"]);
    expect(statusesBefore("SUCCEEDED")).toEqual(["RUNNING"]);
    expect(statusesBefore("FAILED")).toEqual(["RECEIVING", "PENDING", "WAITING", "RUNNING", "PAUSED"]);
  });
});

import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/kernel/app-error.ts";
import { createFailureLog } from "../../../src/kernel/logger.ts";
import { createLogBook } from "../../support/log-book.ts";

const away = new AppError("UNAVAILABLE", "Redis cannot be reached.", { cause: new Error("ECONNREFUSED") });
const reason = away.message;

describe("a failure log", () => {
  it("logs the message of an outage when it begins, and logs when it ends", () => {
    const logger = createLogBook();
    const log = createFailureLog(logger, "a sweep");
    log.worked();
    for (const _outage of [1, 2]) {
      log.failed(away, { taskId: "a" });
      log.failed(away);
      log.worked();
      log.worked();
    }
    const outage = [
      { level: "warn", fields: { reason, taskId: "a" }, message: "a sweep failed; it is tried again" },
      { level: "debug", fields: { reason }, message: "a sweep failed again" },
      { level: "info", fields: {}, message: "a sweep went well again" },
    ];
    expect(logger.lines).toEqual([...outage, ...outage]);
  });

  it("logs every unexpected error in full, also during an outage", () => {
    const logger = createLogBook();
    const log = createFailureLog(logger, "a sweep");
    const bug = new Error("a bug");
    [away, bug, bug, away].forEach((error) => log.failed(error));
    const message = "a sweep failed; it is tried again";
    expect(logger.lines).toEqual([
      { level: "warn", fields: { reason }, message },
      { level: "warn", fields: { err: bug }, message },
      { level: "warn", fields: { err: bug }, message },
      { level: "warn", fields: { reason }, message },
    ]);
  });
});

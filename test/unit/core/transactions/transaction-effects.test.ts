import { expect, it } from "vitest";
import { createTransactionEffects } from "../../../../src/core/transactions/transaction-effects.ts";
import { AppError } from "../../../../src/kernel/app-error.ts";
import { createLogBook } from "../../../support/log-book.ts";

it("logs a failed effect as an error, in full; at debug level if the bus is out of reach", async () => {
  const logger = createLogBook();
  const { onCommit, committed } = createTransactionEffects(logger);
  const bug = new Error("a bug");
  onCommit(() => Promise.reject(new AppError("UNAVAILABLE", "Redis cannot be reached.", { cause: bug })));
  onCommit(() => Promise.reject(bug));
  await committed();
  const message = "an effect failed after commit";
  expect(logger.lines).toEqual([
    { level: "debug", fields: { reason: "Redis cannot be reached." }, message },
    { level: "error", fields: { err: bug }, message },
  ]);
});

it("runs the other effects after one throws, also synchronous ones", async () => {
  const logger = createLogBook();
  const { onCommit, committed } = createTransactionEffects(logger);
  const ran: string[] = [];
  const bug = new Error("a bug");
  onCommit(() => void ran.push("first"));
  onCommit(() => {
    throw bug;
  });
  onCommit(async () => void ran.push("last"));
  await committed();
  expect(ran).toEqual(["first", "last"]);
  expect(logger.lines).toEqual([
    { level: "error", fields: { err: bug }, message: "an effect failed after commit" },
  ]);
});

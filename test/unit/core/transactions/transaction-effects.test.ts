import { expect, it } from "vitest";
import { createTransactionEffects } from "../../../../src/core/transactions/transaction-effects.ts";
import { AppError } from "../../../../src/kernel/app-error.ts";
import { createLogBook } from "../../../support/log-book.ts";

it("a failed effect is logged for debugging where the bus is out of reach, and otherwise as an error in full", async () => {
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

it("an effect may be synchronous, and one that throws does not keep the others from running", async () => {
  const logger = createLogBook();
  const { onCommit, committed } = createTransactionEffects(logger);
  const told: string[] = [];
  const bug = new Error("a bug");
  onCommit(() => void told.push("first"));
  onCommit(() => {
    throw bug;
  });
  onCommit(async () => void told.push("last"));
  await committed();
  expect(told).toEqual(["first", "last"]);
  expect(logger.lines).toEqual([
    { level: "error", fields: { err: bug }, message: "an effect failed after commit" },
  ]);
});

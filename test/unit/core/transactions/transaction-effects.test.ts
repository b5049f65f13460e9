import { expect, it } from "vitest";
import { createTransactionEffects } from "../../../../src/core/transactions/transaction-effects.ts";
import { AppError } from "../../../../src/kernel/app-error.ts";
import { createLogBook } from "../../../support/log-book.ts";

it("the effects of a transaction log a bus out of reach for debugging only, and any other error in full", async () => {
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

it("effects may return nothing, and one that throws at once does not keep the others from running", async () => {
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

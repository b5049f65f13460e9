import { isAppError } from "../../kernel/app-error.ts";
import type { Transaction, UnitOfWork } from "./transaction.ts";

/** Whether to keep what was written or to undo it, with a value for the caller. */
export type Decision<T> = { readonly commit: T } | { readonly rollBack: T };

/** Carries a value out of a transaction that is rolled back. It never leaves this file. */
class RollBack<T> extends Error {
  readonly value: T;
  constructor(value: T) {
    super("rolled back on purpose");
    this.value = value;
  }
}

/** The most tries of a transaction whose error is retryable. */
const MAX_TRIES = 3;

/**
 * Like {@link UnitOfWork.run}, for work whose refusals are values: it may roll back without throwing. After an
 * error with `details.isRetryable` the work is done again in a new transaction.
 */
export async function runOrRollBack<T>(
  unitOfWork: UnitOfWork,
  work: (transaction: Transaction) => Promise<Decision<T>>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await tryOnce(unitOfWork, work);
    } catch (error) {
      const isRetryable = isAppError(error) && error.details["isRetryable"] === true;
      if (!isRetryable || tries === MAX_TRIES) {
        throw error;
      }
    }
  }
}

async function tryOnce<T>(
  unitOfWork: UnitOfWork,
  work: (transaction: Transaction) => Promise<Decision<T>>,
): Promise<T> {
  try {
    return await unitOfWork.run(async (transaction) => {
      const decision = await work(transaction);
      if ("rollBack" in decision) {
        throw new RollBack(decision.rollBack);
      }
      return decision.commit;
    });
  } catch (error) {
    if (error instanceof RollBack) {
      return error.value as T;
    }
    throw error;
  }
}

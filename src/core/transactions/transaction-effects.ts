import { isAppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";
import { errorFields } from "../../kernel/logger.ts";
import type { Effect, Transaction } from "./transaction.ts";

/** The effects of one transaction, and how to run them. Every unit of work uses it. */
export interface TransactionEffects extends Pick<Transaction, "onCommit" | "onRollback"> {
  committed(): Promise<void>;
  rolledBack(): Promise<void>;
}

/** Collects the effects of one transaction. */
export function createTransactionEffects(logger: Logger): TransactionEffects {
  const commits: Effect[] = [];
  const rollbacks: Effect[] = [];
  const runAll = async (effects: readonly Effect[], when: string): Promise<void> => {
    for (const effect of effects) {
      try {
        await effect();
      } catch (error) {
        // An announcement that was not sent while the bus is out of reach. Its connection logs the outage once.
        const level = isAppError(error, "UNAVAILABLE") ? "debug" : "error";
        logger[level](errorFields(error), `an effect failed after ${when}`);
      }
    }
  };
  return {
    onCommit: (effect) => void commits.push(effect),
    onRollback: (effect) => void rollbacks.unshift(effect),
    committed: () => runAll(commits, "commit"),
    rolledBack: () => runAll(rollbacks, "rollback"),
  };
}

import type { Logger } from "../../../src/kernel/logger.ts";
import { createTransactionEffects } from "../../../src/core/transactions/transaction-effects.ts";
import type { UnitOfWork } from "../../../src/core/transactions/transaction.ts";
import type { MemoryTransaction } from "./memory-transaction.ts";

/** Transactions over the memory adapters: their writes become visible together, or never. */
export function createMemoryUnitOfWork(options: { readonly logger: Logger }): UnitOfWork {
  return {
    async run(work) {
      const { onCommit, onRollback, committed, rolledBack } = createTransactionEffects(options.logger);
      const transaction: MemoryTransaction = {
        session: undefined,
        onCommit,
        onRollback,
        atCommit: [],
        atEnd: [],
      };
      const value = await work(transaction).catch(async (error: unknown) => {
        transaction.atEnd.forEach((end) => end());
        await rolledBack();
        throw error;
      });
      transaction.atCommit.forEach((apply) => apply());
      transaction.atEnd.forEach((end) => end());
      await committed();
      return value;
    },
  };
}

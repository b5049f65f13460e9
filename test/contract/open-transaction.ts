import type { Transaction, UnitOfWork } from "../../src/core/transactions/transaction.ts";

/** A transaction that stays open until the test ends it. */
export interface OpenTransaction {
  readonly transaction: Transaction;
  commit(): Promise<void>;
  rollBack(): Promise<void>;
}

class RolledBack extends Error {}

/** Begins a transaction, so that a test can do something else meanwhile. */
export function openTransaction(unitOfWork: UnitOfWork): Promise<OpenTransaction> {
  return new Promise((begun, failed) => {
    const run = unitOfWork.run(
      (transaction) =>
        new Promise<void>((resolve, reject) => {
          begun({
            transaction,
            commit() {
              resolve();
              return run;
            },
            async rollBack() {
              reject(new RolledBack("the test rolls back"));
              await run.catch((error: unknown) => {
                if (!(error instanceof RolledBack)) {
                  throw error;
                }
              });
            },
          });
        }),
    );
    run.catch(failed);
  });
}

import { batchIndexes } from "../../core/bulk/batch-index.ts";
import type { BulkWork } from "../../core/bulk/bulk-writer.ts";
import type { AppHooks } from "../../core/records/record-hooks.ts";
import type { HookRecord, WriteOperation } from "../../core/records/write-hooks.ts";
import type { NewTaskError } from "../../core/tasks/task-error.ts";
import type { Transaction } from "../../core/transactions/transaction.ts";
import type { SetWriter } from "./record-set-writer.ts";

/** Has the app write sets of records by its own writer. */
export function createAppSetWriter(
  transaction: Transaction,
  { operation }: BulkWork,
  hooks: AppHooks,
  records: ReadonlyMap<WriteOperation, readonly HookRecord[]>,
): SetWriter {
  return {
    isOnExisting: operation !== "CREATE" && operation !== "UPSERT",
    async write(batch) {
      const wanted = new Set(batch.ids);
      const indexed = batchIndexes(batch);
      const errors: NewTaskError[] = [];
      for (const [deed, some] of records) {
        const chunk = { operation: deed, records: some.filter(({ id }) => wanted.has(id)) };
        const refused = chunk.records.length === 0 ? [] : await hooks.persist(transaction, chunk);
        errors.push(
          ...refused.map(({ id, problem }): NewTaskError => ({
            ...problem,
            ...indexed(id),
            recordId: id,
            outcome: "FAILED",
          })),
        );
      }
      return errors;
    },
    refusalOf: (error) => hooks.refusalOf(error),
  };
}

import type { ChunkRecords } from "../../core/bulk/chunk-records.ts";
import type { ModelRegistry } from "../../core/records/model.ts";
import { createPrismaRecordReader } from "./prisma-record-reader.ts";
import type { PrismaTransactions } from "./prisma-unit-of-work.ts";
import { typedValue } from "./typed-value.ts";

/** What chunks are written with. */
export interface ChunkRecordsPorts {
  readonly transactions: PrismaTransactions;
  readonly models: ModelRegistry;
}

/** Chunks in transactions of the Prisma client. */
export function createPrismaChunkRecords({ transactions, models }: ChunkRecordsPorts): ChunkRecords {
  return {
    unitOfWork: transactions,
    existingIds: (transaction, model, ids, where) =>
      createPrismaRecordReader({ client: transactions.clientOf(transaction), models }).existingIds(
        model,
        ids,
        where,
      ),
    typedSession(transaction) {
      const client = transactions.clientOf(transaction);
      return { query: (text, values = []) => client.$queryRawUnsafe(text, ...values) };
    },
    typed: typedValue,
  };
}

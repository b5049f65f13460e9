import type { SqlSession } from "../../kernel/sql-session.ts";
import type { ChunkRecords } from "../../core/bulk/chunk-records.ts";
import type { RecordReader } from "../../core/records/record-reader.ts";
import { requiredSession } from "../../core/transactions/transaction.ts";
import type { PrismaTransactions } from "./prisma-unit-of-work.ts";
import { typedValue } from "./column-from-json.ts";

/** What chunks are written with. */
export interface ChunkRecordsPorts {
  readonly transactions: PrismaTransactions;
  /** Reads ids over the session. */
  readonly readerOf: (session: SqlSession) => RecordReader;
}

/** Chunks in transactions of the Prisma client. */
export function createPrismaChunkRecords({ transactions, readerOf }: ChunkRecordsPorts): ChunkRecords {
  return {
    unitOfWork: transactions,
    existingIds: (transaction, model, ids, where) =>
      readerOf(requiredSession(transaction)).existingIds(model, ids, where),
    typedSession(transaction) {
      const client = transactions.clientOf(transaction);
      return { query: (text, values = []) => client.$queryRawUnsafe(text, ...values) };
    },
    typed: typedValue,
  };
}

import type { SqlSession } from "../../kernel/sql-session.ts";
import type { HookTransactions } from "../records/hook-transactions.ts";
import type { WhereFilter } from "../access/access.ts";
import type { Transaction, UnitOfWork } from "../transactions/transaction.ts";

/**
 * Transactions for chunks with hooks or a viewer's scope: Prisma's client, filters and hooks see the records as the
 * transaction does.
 */
export interface ChunkRecords extends Pick<HookTransactions, "typed"> {
  /** Opens these transactions, without a time limit. */
  readonly unitOfWork: UnitOfWork;
  /** The given ids that exist and match `where`, as the transaction sees them, in any order. */
  existingIds(
    transaction: Transaction,
    model: string,
    ids: readonly string[],
    where: WhereFilter | undefined,
  ): Promise<readonly string[]>;
  /** The transaction's connection; it returns values as Prisma types them. */
  typedSession(transaction: Transaction): SqlSession;
}

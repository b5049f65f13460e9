import type { SqlSession } from "../../kernel/sql-session.ts";
import type { HookTransactions } from "../records/hook-transactions.ts";
import type { WhereFilter } from "../access/access.ts";
import type { Transaction, UnitOfWork } from "../transactions/transaction.ts";

/**
 * Transactions in which chunks are written that the app has a say in, or whose viewer has a scope: its client, filters
 * and hooks see the records as the transaction has them.
 */
export interface ChunkRecords extends Pick<HookTransactions, "typed"> {
  /** Opens these transactions; however long one takes, it is not ended for that. */
  readonly unitOfWork: UnitOfWork;
  /** Those of the ids that exist and match `where`, as the transaction sees them. Any order. */
  existingIds(
    transaction: Transaction,
    model: string,
    ids: readonly string[],
    where: WhereFilter | undefined,
  ): Promise<readonly string[]>;
  /** The transaction's connection, which gives values as Prisma types them. */
  typedSession(transaction: Transaction): SqlSession;
}

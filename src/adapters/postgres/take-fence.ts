import type { SqlSession } from "../../kernel/sql-session.ts";
import type { BulkWork } from "../../core/bulk/bulk-writer.ts";
import { TAKE_FENCE } from "./sql/bulk-chunk-steps.ts";

/**
 * Keeps every other attempt from beginning until the end of the transaction.
 * @returns why nothing may be written, if so
 */
export async function takeFence(
  session: SqlSession,
  work: BulkWork,
): Promise<{ readonly kind: "FENCED" | "CANCELLED" } | undefined> {
  const [fence] = await session.query<{ is_cancelled: boolean }>(TAKE_FENCE, [work.taskId, work.attempt]);
  if (fence === undefined) {
    return { kind: "FENCED" };
  }
  return fence.is_cancelled ? { kind: "CANCELLED" } : undefined;
}

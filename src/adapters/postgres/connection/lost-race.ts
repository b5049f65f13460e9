/** How often a transaction is tried in all. */
const MAX_TRIES = 10;

/** Whether the transaction failed because of a concurrent one: deadlock, serialization failure, or lock not available. */
export function isLostRace(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === "40P01" || code === "40001" || code === "55P03";
}

/** Repeats a whole transaction that lost a race; it was rolled back, so it has changed nothing. */
export async function retryLostRaces<T>(transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (!isLostRace(error) || tries === MAX_TRIES) {
        throw error;
      }
    }
  }
}

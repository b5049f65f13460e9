/** How often a transaction is tried that loses to others. */
const MAX_TRIES = 10;

/** Whether PostgreSQL ended the transaction in another's favour: deadlock, serialization failure, lock not to be had. */
export function isLostRace(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === "40P01" || code === "40001" || code === "55P03";
}

/** Tries a whole transaction again when it lost a race: nothing of it was done. */
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

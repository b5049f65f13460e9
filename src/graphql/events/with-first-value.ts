/**
 * Waits for the iterator's first value, then hands out the same values. What goes wrong before the first value is
 * then the operation's own error, with its path, and not a stream that breaks.
 */
export async function withFirstValue<T>(
  values: AsyncIterableIterator<T, undefined>,
): Promise<AsyncIterableIterator<T, undefined>> {
  let first: IteratorResult<T, undefined> | undefined = await values.next();
  const iterator: AsyncIterableIterator<T, undefined> = {
    next() {
      const step = first;
      first = undefined;
      return step === undefined ? values.next() : Promise.resolve(step);
    },
    return: async () => (await values.return?.()) ?? { done: true, value: undefined },
    async throw(error: unknown) {
      await values.return?.();
      throw error;
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

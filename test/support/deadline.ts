/**
 * Waits for a signal, and rejects with the name of what is missing once `ms` have passed.
 * The deadline only limits a failure: a passing test never waits for it.
 */
export async function withDeadline<T>(signal: PromiseLike<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([signal, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** The next value of an iterator or a subscription, within a deadline; an end instead of a value is an error. */
export async function nextWithin<T>(
  iterator: Pick<AsyncIterator<T>, "next">,
  ms: number,
  what: string,
): Promise<T> {
  const step = await withDeadline(iterator.next(), ms, what);
  if (step.done === true) {
    throw new Error(`${what} did not happen: the stream ended`);
  }
  return step.value;
}

/** The event streams that are being sent over HTTP, so that they can be ended. */
export interface OpenStreams {
  /** The same stream, in hand. */
  track<T>(stream: AsyncIterable<T>): AsyncIterableIterator<T, undefined>;
  /** Ends all of them, and those still to come, as if they had come to their end by themselves. */
  endAll(): void;
}

type Step<T> = IteratorResult<T, undefined>;

export function createOpenStreams(): OpenStreams {
  const ends = new Set<() => void>();
  let isOver = false;
  return {
    track<T>(stream: AsyncIterable<T>) {
      const tracked = new TrackedStream<T>(stream[Symbol.asyncIterator](), () => ends.delete(end));
      const end = (): void => tracked.end();
      ends.add(end);
      if (isOver) {
        end();
      }
      return tracked;
    },
    endAll() {
      isOver = true;
      for (const end of ends) {
        end();
      }
    },
  };
}

class TrackedStream<T> implements AsyncIterableIterator<T, undefined> {
  readonly #source: AsyncIterator<T>;
  readonly #onEnd: () => void;
  /** Those who wait for a value. */
  readonly #waiting = new Set<(step: Step<T>) => void>();
  #isEnded = false;

  constructor(source: AsyncIterator<T>, onEnd: () => void) {
    this.#source = source;
    this.#onEnd = onEnd;
  }

  /** Also for those who wait, however long the source takes to hear of it. */
  end(): void {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#onEnd();
      void this.#source.return?.()?.catch(() => undefined);
      for (const resolve of this.#waiting) {
        resolve({ done: true, value: undefined });
      }
    }
  }

  next(): Promise<Step<T>> {
    if (this.#isEnded) {
      return Promise.resolve({ done: true, value: undefined });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.add(resolve);
      void this.#read(resolve, reject);
    });
  }

  return(): Promise<Step<T>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error: unknown): Promise<Step<T>> {
    this.end();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #read(resolve: (step: Step<T>) => void, reject: (error: unknown) => void): Promise<void> {
    try {
      const step = await this.#source.next();
      this.#waiting.delete(resolve);
      if (step.done === true) {
        this.end();
      }
      resolve(step.done === true ? { done: true, value: undefined } : step);
    } catch (error) {
      this.#waiting.delete(resolve);
      this.end();
      reject(error);
    }
  }
}

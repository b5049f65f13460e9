/** A pending call of `next`. */
interface Waiter<Item> {
  readonly resolve: (result: IteratorResult<Item, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** The reader's side of a subscription: what is ready is handed out in order, one item for each call of `next`. */
export abstract class Subscriber<Item> implements AsyncIterableIterator<Item, undefined> {
  readonly #waiters: Waiter<Item>[] = [];
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;

  /** Whether nothing more is taken. */
  protected get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The next item that is ready; undefined if there is none. */
  protected abstract take(): Item | undefined;

  /** Drops what waits. Called once, at the end. */
  protected abstract drop(): void;

  /** Called when a reader waits and nothing is ready. */
  protected ask(): void {
    // Most subscriptions are offered what they hand out.
  }

  /** Ends with an error, and drops what waits. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.end();
  }

  /** Ends without an error, and drops what waits. */
  end(): void {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.drop();
      this.handOut();
    }
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.handOut();
    });
  }

  return(): Promise<IteratorResult<Item, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error: unknown): Promise<IteratorResult<Item, undefined>> {
    this.end();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Resolves pending calls of `next` while there are items for them. Call it when some have become ready. */
  protected handOut(): void {
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      const value = this.take();
      if (value === undefined && !this.#isEnded) {
        this.ask();
        return;
      }
      this.#waiters.shift();
      if (value === undefined) {
        this.#finish(waiter);
      } else {
        waiter.resolve({ done: false, value });
      }
    }
  }

  #finish(waiter: Waiter<Item>): void {
    if (this.#failure === undefined) {
      waiter.resolve({ done: true, value: undefined });
    } else {
      const { error } = this.#failure;
      this.#failure = undefined;
      waiter.reject(error);
    }
  }
}

/** A pending call of `next`. */
interface Waiter<Item> {
  readonly resolve: (result: IteratorResult<Item, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** Takes an item. @returns what to wait for before the next one; undefined to get that at once */
export type Sink<Item> = (item: Item) => Promise<unknown> | undefined;

/** The reader's side of a subscription: what is ready is handed out in order, one item for each call of `next`, or to a sink. */
export abstract class Subscriber<Item> implements AsyncIterableIterator<Item, undefined> {
  readonly #waiters: Waiter<Item>[] = [];
  #sink: Sink<Item> | undefined;
  /** The sink has not done with its last item. */
  #isTaking = false;
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
    this.#leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error: unknown): Promise<IteratorResult<Item, undefined>> {
    this.#leave();
    return Promise.reject(error);
  }

  /**
   * Hands out to the sink from now on: an item costs no promise then. Calls of `next` bring only the end, or the failure,
   * after the sink has done with its last item.
   */
  pushTo(sink: Sink<Item>): void {
    this.#sink = sink;
    this.handOut();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Hands out while there are items, and somebody to take them. Call it when some have become ready. */
  protected handOut(): void {
    while (!this.#isTaking && (this.#sink !== undefined || this.#waiters.length > 0)) {
      const item = this.take();
      if (item === undefined) {
        if (!this.#isEnded) {
          this.ask();
        } else {
          this.#waiters.splice(0).forEach((waiter) => this.#finish(waiter));
        }
        return;
      }
      if (this.#sink === undefined) {
        this.#waiters.shift()?.resolve({ done: false, value: item });
      } else {
        this.#push(this.#sink, item);
      }
    }
  }

  #push(sink: Sink<Item>, item: Item): void {
    try {
      const taken = sink(item);
      if (taken !== undefined) {
        this.#isTaking = true;
        taken.then(
          () => this.#goOn(),
          (error: unknown) => {
            this.fail(error);
            this.#goOn();
          },
        );
      }
    } catch (error) {
      this.fail(error);
    }
  }

  #goOn(): void {
    this.#isTaking = false;
    this.handOut();
  }

  /** The reader wants nothing more, whatever the sink is at. */
  #leave(): void {
    this.#sink = undefined;
    this.end();
    this.#goOn();
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

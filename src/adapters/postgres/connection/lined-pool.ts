import pg from "pg";

type Connected = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: unknown) => void,
) => void;

/**
 * A pool whose callers wait in line for its connections, first come, first served, as long as any comes back. The
 * driver's own pool refuses each caller that has waited for `connectionTimeoutMillis`, so a large burst would look like a
 * server that cannot be reached. Here that time is for new connections, and for a line that does not move.
 */
export class LinedPool extends pg.Pool {
  readonly #line: Connected[] = [];
  readonly #max: number;
  readonly #stallMs: number;
  #taken = 0;
  #stall: NodeJS.Timeout | undefined;

  constructor(options: pg.PoolConfig & { readonly max: number; readonly connectionTimeoutMillis: number }) {
    super(options);
    this.#max = options.max;
    this.#stallMs = options.connectionTimeoutMillis;
    this.on("release", () => {
      this.#stall?.refresh();
      this.#giveBack();
    });
  }

  /** Callers in line. */
  get lineLength(): number {
    return this.#line.length;
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<pg.PoolClient> | void {
    if (callback !== undefined) {
      this.#enter(callback);
      return;
    }
    return new Promise<pg.PoolClient>((resolve, reject) => {
      this.#enter((error, client) => (client === undefined ? reject(error) : resolve(client)));
    });
  }

  #enter(callback: Connected): void {
    if (this.#taken < this.#max) {
      this.#take(callback);
      return;
    }
    this.#line.push(callback);
    this.#stall ??= setTimeout(() => this.#refuseAll(), this.#stallMs).unref();
  }

  #take(callback: Connected): void {
    this.#taken += 1;
    super.connect((error, client, done) => {
      if (client === undefined) {
        this.#giveBack();
      }
      callback(error, client, done);
    });
  }

  /** Lets the next one in. */
  #giveBack(): void {
    this.#taken -= 1;
    const next = this.#line.shift();
    if (next !== undefined) {
      this.#take(next);
    }
    if (this.#line.length === 0) {
      clearTimeout(this.#stall);
      this.#stall = undefined;
    }
  }

  #refuseAll(): void {
    this.#stall = undefined;
    for (const refuse of this.#line.splice(0)) {
      refuse(new Error("timeout exceeded: no connection came back to the pool"), undefined, () => undefined);
    }
  }
}

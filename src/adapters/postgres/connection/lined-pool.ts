import pg from "pg";

type Connected = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  release: (fault?: boolean | Error) => void,
) => void;

/** A connection of the driver's pool, and what gives it back. */
interface Checkout {
  readonly client: pg.PoolClient;
  readonly release: (fault?: boolean | Error) => void;
}

/**
 * A pool whose callers wait in line for its connections, first come, first served, as long as any comes back. The
 * driver's own pool refuses each caller that has waited for `connectionTimeoutMillis`, so a large burst would look like a
 * server that cannot be reached. Here that time is for new connections, and for a line that does not move.
 *
 * The driver's pool makes three timers for each use. So a connection that comes back goes to the next caller of the same turn
 * of the event loop without it: under load that is nearly every one.
 */
export class LinedPool extends pg.Pool {
  readonly #line: Connected[] = [];
  /** Came back in this turn of the event loop. To the driver's pool they are still out. */
  readonly #kept: Checkout[] = [];
  readonly #max: number;
  readonly #stallMs: number;
  #taken = 0;
  #stall: NodeJS.Timeout | undefined;

  constructor(options: pg.PoolConfig & { readonly max: number; readonly connectionTimeoutMillis: number }) {
    super(options);
    this.#max = options.max;
    this.#stallMs = options.connectionTimeoutMillis;
    this.on("connect", (client) => void client.on("error", () => this.#drop(client)));
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
    const kept = this.#kept.pop();
    if (kept !== undefined) {
      this.#hand(kept, callback);
      return;
    }
    super.connect((error, client, release) => {
      if (client === undefined) {
        this.#giveBack();
        callback(error, client, release);
      } else {
        this.#hand({ client, release }, callback);
      }
    });
  }

  #hand(checkout: Checkout, callback: Connected): void {
    const { client } = checkout;
    let isOut = true;
    client.release = (fault) => {
      if (!isOut) {
        throw new Error("the connection is back in the pool already");
      }
      isOut = false;
      this.#stall?.refresh();
      if (fault || this.ending) {
        checkout.release(fault);
      } else {
        this.#keep(checkout);
      }
      this.#giveBack();
    };
    callback(undefined, client, client.release);
  }

  /** Keeps a connection until the end of the turn. */
  #keep(checkout: Checkout): void {
    this.emit("release", undefined, checkout.client);
    if (this.#kept.push(checkout) === 1) {
      setImmediate(() => this.#kept.splice(0).forEach(({ release }) => release()));
    }
  }

  /** A connection that was lost while it was kept. */
  #drop(client: pg.PoolClient): void {
    const at = this.#kept.findIndex((checkout) => checkout.client === client);
    if (at !== -1) {
      this.#kept.splice(at, 1).forEach(({ release }) => release(true));
    }
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

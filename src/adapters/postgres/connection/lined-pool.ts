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

/** How long connections are kept, in ms. */
const KEEP_MS = 1_000;

/**
 * A pool whose callers wait in line for its connections, first come, first served, as long as any comes back. The
 * driver's own pool refuses each caller that has waited for `connectionTimeoutMillis`, so a large burst would look like a
 * server that cannot be reached. Here that time is for new connections, and for a line that does not move.
 *
 * The driver's pool makes three timers for each use. So a connection that comes back is kept for the next caller of the same
 * second, who gets it at once and without that pool.
 */
export class LinedPool extends pg.Pool {
  readonly #line: Connected[] = [];
  /** Came back lately. To the driver's pool they are still out. */
  readonly #kept: Checkout[] = [];
  #keeping: NodeJS.Timeout | undefined;
  readonly #max: number;
  readonly #stallMs: number;
  #taken = 0;
  #stall: NodeJS.Timeout | undefined;

  constructor(options: pg.PoolConfig & { readonly max: number; readonly connectionTimeoutMillis: number }) {
    super(options);
    this.#max = options.max;
    this.#stallMs = options.connectionTimeoutMillis;
    this.on("connect", (client) => void client.on("error", (error) => this.#drop(client, error)));
  }

  /** Callers in line. */
  get lineLength(): number {
    return this.#line.length;
  }

  /** Connections that nobody uses now. */
  get unusedCount(): number {
    return this.idleCount + this.#kept.length;
  }

  override end(): Promise<void>;
  override end(callback: () => void): void;
  override end(callback?: () => void): Promise<void> | void {
    this.#giveKept();
    return callback === undefined ? super.end() : super.end(callback);
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

  #keep(checkout: Checkout): void {
    this.emit("release", undefined, checkout.client);
    this.#kept.push(checkout);
    this.#keeping ??= setTimeout(() => this.#giveKept(), KEEP_MS).unref();
  }

  /** Gives the connections that nobody uses now to the driver's pool, which closes those that are idle for long. */
  #giveKept(): void {
    clearTimeout(this.#keeping);
    this.#keeping = undefined;
    this.#kept.splice(0).forEach(({ release }) => release());
  }

  /** A connection that was lost while it was kept: the driver's pool tells of its own in the same way. */
  #drop(client: pg.PoolClient, error: Error): void {
    const at = this.#kept.findIndex((checkout) => checkout.client === client);
    if (at !== -1) {
      this.#kept.splice(at, 1).forEach(({ release }) => release(true));
      this.emit("error", error, client);
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

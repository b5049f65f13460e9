import { connect } from "node:net";
import type pg from "pg";
import type { SessionSettings, ViewerSessions } from "../../../core/access/viewer-sessions.ts";
import { AppError } from "../../../kernel/app-error.ts";
import { isStatementTimeout } from "../../../kernel/unavailable-error.ts";
import type { PoolOptions, PoolUse } from "./create-pool.ts";
import { createPool, useOf } from "./create-pool.ts";
import { settingStatement } from "./session-settings.ts";
import type { EarlierStatement } from "./text-query.ts";
import type { Connected, TextRows } from "./text-rows.ts";
import { createTextRows } from "./text-rows.ts";

/** Statements that run at a time, besides those that have been found to be slow. */
const QUICK_STATEMENTS = 8;
/** Slow statements that run at a time without taking the place of others. */
const SLOW_STATEMENTS = 24;
/** A statement that has run for longer is slow, in ms. */
const SLOW_MS = 250;
/** Statements of one operation that run at a time. */
const STATEMENTS_PER_OPERATION = 4;
/** Time for the message that cancels a statement, in ms. */
const CANCEL_TIMEOUT_MS = 5_000;

/** The options of {@link createReadConnections}. */
export interface ReadConnectionsOptions extends Pick<PoolOptions, "connectionString" | "logger"> {
  /** How long a read may take, in ms. */
  readonly readTimeoutMs: number;
  /** Whose reads they are. Default: nobody's. */
  readonly sessions?: Pick<ViewerSessions, "current"> | undefined;
}

/** Reads for queries, over connections apart from those that launches, writes and health need. */
export interface ReadConnections {
  /**
   * Its signal is the operation's: it says that the client has left, and tells which statements are of one operation. Throws
   * AppError LIMIT_EXCEEDED for a statement that takes too long.
   */
  readonly rows: TextRows;
  /** How the connections are used. Those that wait for a place among the statements wait, too. */
  poolUse(): PoolUse;
  end(): Promise<void>;
}

/**
 * Slow statements leave their place among the quick ones to others, so that a few dozen of them hold nobody up; beyond that,
 * reads wait. The statement of a client that has left is cancelled in PostgreSQL, by a connection of its own. The time limit
 * is the sessions': it costs no round trip.
 */
export function createReadConnections({
  readTimeoutMs,
  sessions,
  ...options
}: ReadConnectionsOptions): ReadConnections {
  const pool = createPool({
    ...options,
    applicationName: "powercrud reads",
    maxConnections: QUICK_STATEMENTS + SLOW_STATEMENTS,
    statementTimeoutMs: readTimeoutMs,
  });
  const shared = new SharedConnections(pool);
  const rows = createTextRows(shared, sessions && (() => [readOnly(sessions.current())]));
  return {
    rows: {
      async read(text, values, signal) {
        try {
          return await rows.read(text, values, signal);
        } catch (error) {
          signal?.throwIfAborted();
          throw isStatementTimeout(error) ? tookTooLong(readTimeoutMs, error) : error;
        }
      },
    },
    poolUse() {
      const use = useOf("reads", pool);
      return { ...use, waiting: use.waiting + shared.waiting };
    },
    end: () => pool.end(),
  };
}

/** A viewer's policies may call functions of the app's: a read must not write. */
export function readOnly({ names, values }: SessionSettings): EarlierStatement {
  return settingStatement({ names: ["transaction_read_only", ...names], values: ["on", ...values] });
}

/** Connections of a pool, shared out to operations, and to slow and quick statements. */
class SharedConnections {
  readonly #pool: pg.Pool;
  readonly #places = new Places(QUICK_STATEMENTS);
  /** By operation. */
  readonly #shares = new WeakMap<AbortSignal, Places>();
  #slow = 0;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Statements that wait for a place. Not those of operations that already have as many as one may. */
  get waiting(): number {
    return this.#places.waiting;
  }

  connect(callback: Connected, signal?: AbortSignal): void {
    const share = signal === undefined ? undefined : this.#shareOf(signal);
    const lease = (): void =>
      this.#places.enter(() => {
        const leave = this.#watchTime();
        this.#lease(callback, signal, () => {
          leave();
          share?.leave();
        });
      });
    if (share === undefined) {
      lease();
    } else {
      share.enter(lease);
    }
  }

  #shareOf(signal: AbortSignal): Places {
    const share = this.#shares.get(signal) ?? new Places(STATEMENTS_PER_OPERATION);
    this.#shares.set(signal, share);
    return share;
  }

  /** @returns what leaves the place, or the number of the slow */
  #watchTime(): () => void {
    let isSlow = false;
    const timer = setTimeout(() => {
      if (this.#slow < SLOW_STATEMENTS) {
        isSlow = true;
        this.#slow += 1;
        this.#places.leave();
      }
    }, SLOW_MS);
    return () => {
      clearTimeout(timer);
      if (isSlow) {
        this.#slow -= 1;
      } else {
        this.#places.leave();
      }
    };
  }

  #lease(callback: Connected, signal: AbortSignal | undefined, onEnd: () => void): void {
    if (signal?.aborted === true) {
      onEnd();
      callback(signal.reason as Error, undefined, () => undefined);
      return;
    }
    this.#pool.connect((error, client, release) => {
      if (client === undefined || signal === undefined) {
        callback(error, client, (fault) => {
          release(fault);
          onEnd();
        });
        if (client === undefined) {
          onEnd();
        }
        return;
      }
      const cancelling = cancelOn(signal, client as CancellableClient);
      const giveBack = async (fault: Error | undefined): Promise<void> => {
        // The message may come late, and would then hit the next statement of the connection.
        release((await cancelling.end()) ? true : fault);
        onEnd();
      };
      callback(error, client, (fault) => void giveBack(fault));
    });
  }
}

/** So many may be in at a time; the others wait in line. */
class Places {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** Calls back at once, or later. */
  enter(callback: () => void): void {
    if (this.#free > 0) {
      this.#free -= 1;
      callback();
    } else {
      this.#line.push(callback);
    }
  }

  leave(): void {
    const next = this.#line.shift();
    if (next === undefined) {
      this.#free += 1;
    } else {
      next();
    }
  }
}

/** A client of pg, with what it needs to be cancelled, which its types do not have. */
export type CancellableClient = pg.PoolClient & {
  readonly host: string;
  readonly port: number;
  readonly processID: number;
  readonly secretKey: number;
};

/** Cancels what the client runs when the signal comes. `end` resolves when nothing more comes, with whether it came. */
function cancelOn(signal: AbortSignal, client: CancellableClient): { end(): Promise<boolean> } {
  let cancelled: Promise<void> | undefined;
  const onAbort = (): void => void (cancelled = cancelStatement(client));
  if (signal.aborted) {
    onAbort();
  } else {
    signal.addEventListener("abort", onAbort, { once: true });
  }
  return {
    async end() {
      signal.removeEventListener("abort", onAbort);
      await cancelled;
      return cancelled !== undefined;
    },
  };
}

const CANCEL_REQUEST = 80_877_102;

/** Asks the server to cancel what the client runs. Resolves when the server has taken the message, or cannot. */
export function cancelStatement({ host, port, processID, secretKey }: CancellableClient): Promise<void> {
  return new Promise((resolve) => {
    const message = Buffer.alloc(16);
    [16, CANCEL_REQUEST, processID, secretKey].forEach((value, at) => message.writeInt32BE(value, 4 * at));
    const socket = host.startsWith("/") ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    socket.setTimeout(CANCEL_TIMEOUT_MS, () => socket.destroy());
    // What cannot be cancelled ends at its time limit.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
    // The server closes the connection once it has taken the message.
    socket.on("connect", () => void socket.write(message));
    socket.resume();
  });
}

function tookTooLong(readTimeoutMs: number, cause: unknown): AppError {
  return new AppError(
    "LIMIT_EXCEEDED",
    `Reading took longer than ${readTimeoutMs} ms. Narrow the filter, ask for smaller pages, or sort by what has an index.`,
    { cause, details: { readTimeoutMs } },
  );
}

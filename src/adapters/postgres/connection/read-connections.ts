import { connect } from "node:net";
import type pg from "pg";
import { AppError } from "../../../kernel/app-error.ts";
import { isStatementTimeout } from "../../../kernel/unavailable-error.ts";
import type { PoolOptions } from "./create-pool.ts";
import { createPool } from "./create-pool.ts";
import type { TextQuery, TextRow } from "./text-query.ts";

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
}

/** Connections for what queries read, apart from those that launches, writes and health need. */
export interface ReadConnections {
  /**
   * Runs a statement.
   * @param signal of the operation: its client has left. It also tells which statements are of one operation
   * @throws AppError LIMIT_EXCEEDED for one that takes too long; what pg throws
   */
  query(query: TextQuery, signal?: AbortSignal): Promise<readonly TextRow[]>;
  end(): Promise<void>;
}

/**
 * Slow statements leave their place among the quick ones to others, so that a few dozen of them hold nobody up; beyond that,
 * reads wait. The statement of a client that has left is cancelled in PostgreSQL, by a connection of its own. The time limit
 * is the sessions': it costs no round trip.
 */
export function createReadConnections({
  readTimeoutMs,
  ...options
}: ReadConnectionsOptions): ReadConnections {
  const pool = createPool({
    ...options,
    applicationName: "powercrud reads",
    maxConnections: QUICK_STATEMENTS + SLOW_STATEMENTS,
    statementTimeoutMs: readTimeoutMs,
  });
  const places = new Places(QUICK_STATEMENTS);
  let slow = 0;
  /** By operation. */
  const shares = new WeakMap<AbortSignal, Places>();
  const shareOf = (signal: AbortSignal): Places => {
    const share = shares.get(signal) ?? new Places(STATEMENTS_PER_OPERATION);
    shares.set(signal, share);
    return share;
  };
  const run = async (query: TextQuery, signal: AbortSignal | undefined): Promise<readonly TextRow[]> => {
    await places.enter();
    let isSlow = false;
    const timer = setTimeout(() => {
      if (slow < SLOW_STATEMENTS) {
        isSlow = true;
        slow += 1;
        places.leave();
      }
    }, SLOW_MS);
    try {
      signal?.throwIfAborted();
      return await queryUntil(pool, query, signal);
    } finally {
      clearTimeout(timer);
      if (isSlow) {
        slow -= 1;
      } else {
        places.leave();
      }
    }
  };
  return {
    async query(query, signal) {
      const share = signal === undefined ? undefined : shareOf(signal);
      await share?.enter();
      try {
        return await run(query, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw isStatementTimeout(error) ? tookTooLong(readTimeoutMs, error) : error;
      } finally {
        share?.leave();
      }
    },
    end: () => pool.end(),
  };
}

/** So many may be in at a time; the others wait in line. */
class Places {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  enter(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free -= 1;
      return undefined;
    }
    return new Promise((resolve) => void this.#line.push(resolve));
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
type CancellableClient = pg.PoolClient & {
  readonly host: string;
  readonly port: number;
  readonly processID: number;
  readonly secretKey: number;
};

async function queryUntil(
  pool: pg.Pool,
  query: TextQuery,
  signal: AbortSignal | undefined,
): Promise<readonly TextRow[]> {
  if (signal === undefined) {
    return pool.query(query) as unknown as Promise<readonly TextRow[]>;
  }
  const client = (await pool.connect()) as CancellableClient;
  let cancelled: Promise<void> | undefined;
  let isDone = false;
  const onAbort = (): void => void (cancelled = cancelStatement(client));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    const answer = await new Promise<readonly TextRow[]>((resolve, reject) => {
      query.callback = (error, rows = []) => (error === null ? resolve(rows) : reject(error));
      client.query(query);
    });
    isDone = true;
    return answer;
  } finally {
    signal.removeEventListener("abort", onAbort);
    await cancelled;
    // The message may come late, and would then hit the next statement of the connection. As in pg's own `query`, an error
    // ends the connection, too.
    client.release(!isDone || cancelled !== undefined);
  }
}

const CANCEL_REQUEST = 80_877_102;

/** Asks the server to cancel what the client runs. Resolves when the server has taken the message, or cannot. */
function cancelStatement({ host, port, processID, secretKey }: CancellableClient): Promise<void> {
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

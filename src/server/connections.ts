import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "../kernel/logger.ts";

/** The limits of {@link Connections}. */
export interface ConnectionLimits {
  /** Requests of one connection that are not answered yet. */
  readonly maxPipelinedRequests: number;
  /** Connections from one address. */
  readonly maxConnectionsPerAddress: number;
  /** Bytes of answers and events that wait for clients to read them, over all connections. */
  readonly maxUnreadBytes: number;
}

/** What is known of a connection. */
interface Connection {
  readonly address: string;
  /** The answers that are not complete, in order. */
  readonly responses: Set<ServerResponse>;
  isWebSocket: boolean;
  /** It asked for too much: it gets the answers up to that request, and no more. */
  isEnding: boolean;
  /** Requests after that one. */
  ignored: number;
}

/** What becomes of a request: it is answered, it is refused, or it gets no answer, because an earlier one was refused. */
export type Admission = "ADMITTED" | "REFUSED" | "IGNORED";

/** How often the waiting bytes are counted, in ms. */
const COUNT_INTERVAL_MS = 250;

/** The connections of a server, HTTP's and WebSockets, with what waits to be sent on each. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #logger: Logger;
  readonly #open = new Map<Duplex, Connection>();
  readonly #byAddress = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #isDraining = false;

  constructor(limits: ConnectionLimits, logger: Logger) {
    this.#limits = limits;
    this.#logger = logger;
  }

  /** Takes a new connection. @returns false, if its address has too many */
  add(socket: Socket): boolean {
    const known = this.#open.get(socket);
    if (known !== undefined) {
      known.isWebSocket = false;
      return true;
    }
    const address = socket.remoteAddress ?? "";
    const count = (this.#byAddress.get(address) ?? 0) + 1;
    if (count > this.#limits.maxConnectionsPerAddress) {
      return false;
    }
    this.#byAddress.set(address, count);
    this.#open.set(socket, {
      address,
      responses: new Set(),
      isWebSocket: false,
      isEnding: false,
      ignored: 0,
    });
    socket.once("close", () => this.#remove(socket));
    this.#timer ??= setInterval(() => this.#cutOffUnread(), COUNT_INTERVAL_MS).unref();
    return true;
  }

  /** Takes a request. A connection of a server of the app's own is taken with its first one. */
  admit({ socket }: IncomingMessage, response: ServerResponse): Admission {
    const connection = this.#open.get(socket) ?? (this.add(socket) ? this.#open.get(socket) : undefined);
    if (connection === undefined) {
      return "REFUSED";
    }
    if (connection.isEnding) {
      connection.ignored += 1;
      if (connection.ignored > this.#limits.maxPipelinedRequests) {
        // It goes on, so it would hardly wait for its answers.
        socket.destroy();
      }
      return "IGNORED";
    }
    const { responses } = connection;
    responses.add(response);
    response.once("close", () => {
      responses.delete(response);
      this.#closeIfIdle(socket, connection);
    });
    if (responses.size > this.#limits.maxPipelinedRequests) {
      connection.isEnding = true;
      // Node would read on, and keep each request.
      socket.pause();
      return "REFUSED";
    }
    return "ADMITTED";
  }

  /** The connection becomes a WebSocket. */
  upgrade(socket: Duplex): void {
    const connection =
      this.#open.get(socket) ?? (this.add(socket as Socket) ? this.#open.get(socket) : undefined);
    if (connection !== undefined) {
      connection.isWebSocket = true;
    }
  }

  /**
   * Lets the server accept no new connection and no new request, waits until the requests under way are answered, and cuts
   * off the rest after the timeout. WebSockets are left alone.
   */
  async drain(server: Server, timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
    const deadline = setTimeout(() => {
      for (const [socket, { isWebSocket }] of this.#open) {
        if (!isWebSocket) {
          socket.destroy();
        }
      }
    }, timeoutMs);
    // Node's own `closeIdleConnections` overlooks connections without a first request, which browsers open in advance.
    this.#open.forEach((connection, socket) => this.#closeIfIdle(socket as Socket, connection));
    await closed;
    clearTimeout(deadline);
  }

  #closeIfIdle(socket: Socket, { responses, isWebSocket }: Connection): void {
    if (this.#isDraining && !isWebSocket && responses.size === 0) {
      socket.destroySoon();
    }
  }

  #remove(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) {
      return;
    }
    this.#open.delete(socket);
    const count = (this.#byAddress.get(connection.address) ?? 1) - 1;
    if (count === 0) {
      this.#byAddress.delete(connection.address);
    } else {
      this.#byAddress.set(connection.address, count);
    }
    if (this.#open.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  /** Cuts off those with the most unread bytes until the rest is within the limit. */
  #cutOffUnread(): void {
    let total = 0;
    const waiting: { readonly socket: Duplex; readonly bytes: number }[] = [];
    for (const [socket, { responses }] of this.#open) {
      const bytes = unreadBytes(socket, responses);
      if (bytes > 0) {
        total += bytes;
        waiting.push({ socket, bytes });
      }
    }
    if (total <= this.#limits.maxUnreadBytes) {
      return;
    }
    this.#logger.warn(
      { bytes: total, connections: waiting.length },
      "clients do not read: the slowest are cut off",
    );
    for (const { socket, bytes } of waiting.toSorted((one, other) => other.bytes - one.bytes)) {
      if (total <= this.#limits.maxUnreadBytes) {
        return;
      }
      total -= bytes;
      socket.destroy();
    }
  }
}

/** Answers that have to wait for an earlier one of their connection keep their bytes themselves. */
function unreadBytes(socket: Duplex, responses: ReadonlySet<ServerResponse>): number {
  let bytes = socket.writableLength;
  for (const response of responses) {
    bytes += response.socket === null ? response.writableLength : 0;
  }
  return bytes;
}

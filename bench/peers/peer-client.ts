import type { Socket } from "node:net";
import { connect } from "node:net";

/** Requests under way at any time, each on a connection of its own that is kept. */
const CONNECTIONS = 20;

/** One operation. */
export interface PeerRequest {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Part of a right answer's text. An answer without it, or with errors, fails the run. Default: any data */
  readonly expects?: string;
}

/** What a turn of requests took. */
export interface Turn {
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
}

/** An HTTP client that does nothing but send and read. */
export interface PeerClient {
  /** The text of one answer. @throws if it has errors, or lacks what is expected */
  ask(url: URL, operation: PeerRequest): Promise<string>;
  /** Sends requests on all connections until the time is over, then waits for the last answers. */
  run(url: URL, durationMs: number, next: () => PeerRequest): Promise<Turn>;
  close(): void;
}

/**
 * A client on bare sockets. Node's own HTTP client takes as long for a request as a server for a small answer, and shares the
 * machine with it: the rates would tell as much about the client as about the servers.
 */
export function createPeerClient(): PeerClient {
  const connections = new Map<string, Connection[]>();
  const ask = async (
    url: URL,
    { query, variables, expects = '"data"' }: PeerRequest,
    connection: Connection,
  ): Promise<string> => {
    const answer = await connection.post(url.pathname, JSON.stringify({ query, variables }));
    if (!answer.includes(expects) || answer.includes('"errors"')) {
      throw new Error(`${url.href} answers ${query} with ${answer.slice(0, 400)}`);
    }
    return answer;
  };
  const connectionsTo = (url: URL): readonly Connection[] => {
    const known = connections.get(url.host) ?? Array.from({ length: CONNECTIONS }, () => new Connection(url));
    connections.set(url.host, known);
    return known;
  };
  return {
    ask: (url, operation) => ask(url, operation, connectionsTo(url)[0] as Connection),
    async run(url, durationMs, next) {
      const latenciesMs: number[] = [];
      const start = performance.now();
      const end = start + durationMs;
      const work = async (connection: Connection): Promise<void> => {
        for (let sent = performance.now(); sent < end;) {
          await ask(url, next(), connection);
          const now = performance.now();
          latenciesMs.push(now - sent);
          sent = now;
        }
      };
      await Promise.all(connectionsTo(url).map(work));
      return { perSecond: (latenciesMs.length * 1000) / (performance.now() - start), latenciesMs };
    },
    close: () => [...connections.values()].flat().forEach((connection) => connection.close()),
  };
}

/** Where an answer's body begins and ends in what was received. */
interface Frame {
  readonly begin: number;
  readonly length: number;
}

/** A request that waits for its answer. */
interface Pending {
  readonly text: string;
  resolve(answer: string): void;
  reject(error: Error): void;
}

/** One connection, opened anew where the server has closed it. One request at a time. */
class Connection {
  readonly #url: URL;
  #socket: Socket | undefined;
  /** Whether it has brought an answer. */
  #isUsed = false;
  #received = "";
  #pending: Pending | undefined;

  constructor(url: URL) {
    this.#url = url;
  }

  post(path: string, body: string): Promise<string> {
    const text = `POST ${path} HTTP/1.1\r\nhost: ${this.#url.host}\r\ncontent-type: application/json\r\naccept: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    return new Promise((resolve, reject) => this.#send({ text, resolve, reject }));
  }

  close(): void {
    this.#socket?.destroy();
  }

  #send(pending: Pending): void {
    this.#pending = pending;
    this.#socket ??= this.#open();
    this.#socket.write(pending.text);
  }

  #open(): Socket {
    const socket = connect({ host: this.#url.hostname, port: Number(this.#url.port), noDelay: true });
    // A character is a byte, so that lengths are those of the head.
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => this.#receive(part));
    socket.on("error", () => undefined);
    socket.on("close", () => this.#lose());
    return socket;
  }

  #lose(): void {
    const pending = this.#pending;
    const isOld = this.#isUsed && this.#received === "";
    this.#socket = undefined;
    this.#isUsed = false;
    this.#received = "";
    if (pending !== undefined && isOld) {
      // The server closed a connection that had been idle, just when it was used again.
      this.#send(pending);
    } else {
      pending?.reject(new Error(`${this.#url.href} closed a connection without an answer`));
    }
  }

  #receive(part: string): void {
    this.#received += part;
    const frame = frameOf(this.#received);
    if (frame !== undefined && this.#received.length >= frame.begin + frame.length) {
      const text = this.#received.slice(frame.begin, frame.begin + frame.length);
      const pending = this.#pending;
      this.#received = "";
      this.#pending = undefined;
      this.#isUsed = true;
      pending?.resolve(Buffer.from(text, "latin1").toString());
    }
  }
}

/** @returns undefined for a head that is not complete. @throws for an answer whose length is not told */
function frameOf(received: string): Frame | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end === -1) {
    return undefined;
  }
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, end + 2))?.[1];
  if (length === undefined) {
    throw new Error(`an answer without a content-length: ${received.slice(0, end)}`);
  }
  return { begin: end + 4, length: Number(length) };
}

import type pg from "pg";
import type { EarlierStatement, TextConnection } from "./text-query.ts";
import { sendQuery } from "./text-query.ts";
import type { Socket } from "node:net";

/** The first bytes of a message: its type, and its length without the type. */
const HEAD = 5;
const DATA_ROW = 0x44;
const COMMAND_COMPLETE = 0x43;
const READY_FOR_QUERY = 0x5a;

/** The messages of rows as the server sends them. */
export interface RowBytes {
  /**
   * Takes a row: from `start` the number of its values as two bytes, and for each its length as four bytes (-1 for NULL) and
   * its text. The bytes are only lent.
   */
  row(from: Buffer, start: number): void;
  /** All rows of one chunk from the network have been given. */
  chunkEnd(): void;
}

/**
 * A query for pg's client that hands on the bytes of the rows. While it runs, it reads the connection's stream itself and
 * gives the client only what is no row: the client would make texts of every value, which costs more than PostgreSQL
 * takes to send them. Pausing the stream stops the server.
 */
export class StreamedQuery implements pg.Submittable {
  readonly text: string;
  readonly name = "";
  readonly values: readonly unknown[];
  /** Called once. The client puts one with a time limit in its place. */
  callback: (error: Error | null) => void;
  readonly #rows: RowBytes;
  #socket: Socket | undefined;
  #listeners: readonly ((chunk: Buffer) => void)[] = [];
  /** What came of a message that is not complete. */
  #parts: Buffer[] = [];
  #received = 0;
  #needed = 0;

  /** Statements that were sent before and have not ended: their rows are left. */
  #earlierLeft: number;
  readonly #earlier: readonly EarlierStatement[];

  constructor(
    statement: EarlierStatement,
    earlier: readonly EarlierStatement[],
    rows: RowBytes,
    callback: StreamedQuery["callback"],
  ) {
    this.text = statement.text;
    this.values = statement.values;
    this.#earlier = earlier;
    this.#earlierLeft = earlier.length;
    this.#rows = rows;
    this.callback = callback;
  }

  submit(client: object): void {
    const connection = client as TextConnection & { readonly stream: Socket };
    this.#socket = connection.stream;
    this.#listeners = this.#socket.listeners("data") as ((chunk: Buffer) => void)[];
    this.#socket.removeAllListeners("data");
    this.#socket.on("data", this.#onData);
    sendQuery(connection, this, this.#earlier);
  }

  /** Stops reading from the server. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#parts.push(chunk);
    this.#received += chunk.length;
    // A long row comes in many parts: they are put together once.
    if (this.#received < this.#needed) {
      return;
    }
    const data = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    const end = this.#read(data);
    const rest = data.subarray(end);
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#received = rest.length;
    this.#needed = rest.length < HEAD ? HEAD : 1 + rest.readUInt32BE(1);
    this.#rows.chunkEnd();
  };

  /** @returns where the last complete message ends */
  #read(data: Buffer): number {
    let at = 0;
    while (data.length - at >= HEAD) {
      const end = at + 1 + data.readUInt32BE(at + 1);
      if (end > data.length) {
        break;
      }
      const type = data[at];
      if (type === DATA_ROW && this.#earlierLeft === 0) {
        this.#rows.row(data, at + HEAD);
      } else if (type !== DATA_ROW) {
        this.#earlierLeft -= type === COMMAND_COMPLETE && this.#earlierLeft > 0 ? 1 : 0;
        this.#handOn(data.subarray(at, end), type === READY_FOR_QUERY);
      }
      at = end;
    }
    return at;
  }

  #handOn(message: Buffer, isLast: boolean): void {
    if (isLast) {
      this.#socket?.removeListener("data", this.#onData);
      this.#listeners.forEach((listener) => void this.#socket?.on("data", listener));
    }
    for (const listener of this.#listeners) {
      listener.call(this.#socket, message);
    }
  }

  handleCommandComplete(): void {}

  handleEmptyQuery(): void {}

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback(null);
  }
}

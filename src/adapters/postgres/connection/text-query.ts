import type pg from "pg";

/** A row as PostgreSQL sends it: the text of each value, null for NULL. */
export type TextRow = readonly (string | null)[];

/** A statement that is sent before another one, in the same transaction; its rows are left. */
export interface EarlierStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The part of pg's connection that is used. */
export interface TextConnection {
  readonly stream: { cork(): void; uncork(): void; write(bytes: Buffer): void };
  /** The texts of the statements that are prepared on the connection, by name. The client adds those that it prepares. */
  readonly parsedStatements: Readonly<Record<string, string>>;
  parse(statement: { readonly name: string; readonly text: string }): void;
}

const NONE: readonly EarlierStatement[] = [];

/**
 * A query for pg's client that keeps the texts that PostgreSQL sends. It asks for no description of the rows and makes no
 * objects of them, which is a third of what pg's own query costs.
 */
export class TextQuery implements pg.Submittable {
  readonly text: string;
  /** Under this name the statement is prepared; empty for one that is not kept. */
  readonly name: string;
  readonly values: readonly unknown[];
  /** Called once. The client puts one with a time limit in its place. */
  callback: (error: Error | null, rows?: readonly TextRow[]) => void;
  readonly #rows: TextRow[] = [];
  readonly #earlier: readonly EarlierStatement[];
  /** Statements whose rows are still to come before its own. */
  #ahead: number;

  /** @param earlier are sent together with it, so they take no round trip, and are one transaction with it */
  constructor(
    text: string,
    values: readonly unknown[],
    name: string | undefined,
    callback: TextQuery["callback"],
    earlier: readonly EarlierStatement[] = NONE,
  ) {
    this.text = text;
    this.values = values;
    this.name = name ?? "";
    this.callback = callback;
    this.#earlier = earlier;
    this.#ahead = earlier.length;
  }

  submit(client: object): void {
    sendQuery(client as TextConnection, this, this.#earlier);
  }

  handleDataRow({ fields }: { readonly fields: TextRow }): void {
    if (this.#ahead === 0) {
      this.#rows.push(fields);
    }
  }

  handleCommandComplete(): void {
    if (this.#ahead > 0) {
      this.#ahead -= 1;
    }
  }

  handleEmptyQuery(): void {}

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback(null, this.#rows);
  }
}

/** Sends the messages of a query, without a description of its rows. @param earlier see EarlierStatement */
export function sendQuery(
  connection: TextConnection,
  query: { readonly name: string; readonly text: string; readonly values: readonly unknown[] },
  earlier: readonly EarlierStatement[],
): void {
  const { stream } = connection;
  const message = messageOf(query.name, query.values);
  const isPrepared = query.name !== "" && connection.parsedStatements[query.name] !== undefined;
  if (isPrepared && earlier.length === 0) {
    stream.write(message);
    return;
  }
  stream.cork();
  for (const { text, values } of earlier) {
    connection.parse({ name: "", text });
    stream.write(messageOf("", values).subarray(0, -SYNC_LENGTH));
  }
  if (!isPrepared) {
    connection.parse(query);
  }
  stream.write(message);
  stream.uncork();
}

/** What follows the parameters: results as text; then the messages Execute, for all rows of the portal, and Sync. */
const TAIL = Buffer.from([0, 0, 0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4]);
/** The part of it that is of the message Bind. */
const FORMATS_LENGTH = 2;
/** The part of it that is the message Sync, which ends a transaction that no statement began. */
const SYNC_LENGTH = 5;

/** The messages that run a prepared statement, in one piece: pg's would be three, and each is a part of the system call. */
function messageOf(name: string, values: readonly unknown[]): Buffer {
  const texts = values.map(textOf);
  let length = 11 + Buffer.byteLength(name);
  for (const text of texts) {
    length += 4 + (text === null ? 0 : Buffer.byteLength(text));
  }
  const message = Buffer.allocUnsafe(length + TAIL.length);
  message[0] = 0x42;
  message.writeInt32BE(length - 1 + FORMATS_LENGTH, 1);
  // The portal has no name.
  message[5] = 0;
  let at = 6 + message.write(name, 6);
  // No formats: all parameters are texts.
  at = message.writeUInt16BE(0, message.writeUInt8(0, at));
  at = message.writeUInt16BE(texts.length, at);
  for (const text of texts) {
    const written = text === null ? -1 : message.write(text, at + 4);
    at = message.writeInt32BE(written, at) + Math.max(0, written);
  }
  TAIL.copy(message, at);
  return message;
}

/** The text of a parameter: a text, a number, a boolean, or a list of them. */
function textOf(value: unknown): string | null {
  if (typeof value === "string") {
    return value;
  }
  if (value === null || value === undefined) {
    return null;
  }
  return Array.isArray(value) ? `{${value.map(itemOf).join(",")}}` : JSON.stringify(value);
}

function itemOf(item: unknown): string {
  const text = textOf(item);
  return text === null ? "NULL" : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

import type { Duplex } from "node:stream";
import { CloseCode } from "graphql-ws";
import type { WebSocket } from "ws";
import type { Logger } from "../kernel/logger.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { parseLongJson, SHORT_JSON_LENGTH, TextTooLarge } from "./long-json.ts";

/** Bytes of a message that is no `subscribe`: an introduction, a ping, a pong, an end. */
const MAX_CONTROL_BYTES = 8 * 1024;
/** Bytes that a message takes beside its text: the heads of its frames. */
const FRAME_BYTES = 1024;
/** Bytes that may wait for a client before no more is read from it. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Messages of the protocol that no client may send. The protocol's package takes them for a fault of ours. */
const SENT_BY_SERVICES: ReadonlySet<unknown> = new Set(["next", "error", "connection_ack"]);

const TOO_LARGE = 1009;
const TRY_LATER = 1013;

/** What the intake of a WebSocket needs. */
export interface SocketIntakeOptions {
  readonly webSocket: WebSocket;
  /** Below the WebSocket. */
  readonly connection: Duplex;
  /** For messages that are not complete, or whose operations run. */
  readonly budget: ByteBudget;
  /** Handles a message: its text, or its parsed JSON. Resolves when the operation of a `subscribe` has ended. */
  readonly handle: (message: unknown) => Promise<void>;
  readonly logger: Logger;
}

/**
 * Reads a client's messages, in order. Closes the socket when a control message is too large, and when all clients together
 * have sent more than the budget allows. Reads nothing while too much waits for a client that does not read.
 */
export class SocketIntake {
  readonly #options: SocketIntakeOptions;
  /** Bytes since the last message was complete. */
  #received = 0;
  #operations = 0;
  /** Of the operations that run and whose signals were asked for, by id. */
  readonly #leaving = new Map<string, AbortController>();
  /** The introduction has been taken, so larger messages may come. */
  #isIntroduced = false;
  #isClosed = false;
  /** Messages that came while an earlier one was parsed. */
  #earlier: Promise<void> | undefined;

  constructor(options: SocketIntakeOptions) {
    this.#options = options;
    const { webSocket, connection } = options;
    // Before the listener of ws, which may find the end of a message in the bytes.
    connection.prependListener("data", (bytes: Buffer) => this.#receive(bytes.length));
    webSocket.on("message", (data) => this.#take(data as Buffer));
    webSocket.once("close", () => {
      this.#isClosed = true;
      this.#giveBack(this.#received);
      this.#received = 0;
      this.#leaving.forEach((controller) => controller.abort());
    });
  }

  /** The signal that says that the client has ended its operation of that id, or left. */
  leavingOf(id: string): AbortSignal {
    const controller = this.#leaving.get(id) ?? new AbortController();
    this.#leaving.set(id, controller);
    if (this.#isClosed) {
      controller.abort();
    }
    return controller.signal;
  }

  /** Operations that run, also those that the client has ended and that have not stopped yet. */
  get operations(): number {
    return this.#operations;
  }

  #receive(bytes: number): void {
    if (this.#isClosed) {
      return;
    }
    if (!this.#isIntroduced && this.#received + bytes > MAX_CONTROL_BYTES + FRAME_BYTES) {
      this.#close(TOO_LARGE, `connection_init may have at most ${MAX_CONTROL_BYTES} bytes`);
    } else if (this.#options.budget.take(bytes)) {
      this.#received += bytes;
    } else {
      this.#close(TRY_LATER, "Too much is being received. Try again later");
    }
  }

  /** The bytes of the message stay taken until it is handled. */
  #take(data: Buffer): void {
    const bytes = this.#received;
    this.#received = 0;
    if (this.#isClosed) {
      this.#giveBack(bytes);
      return;
    }
    this.#waitForReader();
    const text = data.toString();
    const isFirst = this.#earlier === undefined;
    const handled =
      isFirst && text.length <= SHORT_JSON_LENGTH
        ? this.#handle(text, parse(text))
        : this.#handleInTurn(text);
    void handled.then(() => this.#giveBack(bytes));
  }

  /** Parses a long message, or one that came after it. The socket is not read meanwhile. */
  #handleInTurn(text: string): Promise<void> {
    const { webSocket } = this.#options;
    webSocket.pause();
    const parsed = (this.#earlier ?? Promise.resolve()).then(() =>
      text.length > SHORT_JSON_LENGTH ? parseLongJson(text) : parse(text),
    );
    const turn = parsed.then(
      () => undefined,
      () => undefined,
    );
    this.#earlier = turn;
    return parsed
      .then(
        (message) => this.#handle(text, message),
        (error: unknown) => {
          if (error instanceof TextTooLarge) {
            this.#close(
              TOO_LARGE,
              error.isTooLong
                ? "Only the lists of bulk operations may be long"
                : "The message is nested too deeply",
            );
          } else {
            this.#close(CloseCode.BadRequest, "Invalid message received");
          }
        },
      )
      .finally(() => {
        if (this.#earlier === turn) {
          this.#earlier = undefined;
          webSocket.resume();
        }
      });
  }

  async #handle(text: string, message: unknown): Promise<void> {
    const { type, id = "" } = Object(message) as { readonly type?: unknown; readonly id?: unknown };
    if (type !== "subscribe" && text.length > MAX_CONTROL_BYTES) {
      this.#close(TOO_LARGE, `Messages but subscribe may have at most ${MAX_CONTROL_BYTES} bytes`);
      return;
    }
    if (SENT_BY_SERVICES.has(type)) {
      this.#close(CloseCode.BadRequest, "Invalid message received");
      return;
    }
    if (type === "complete") {
      this.#leave(id);
    }
    this.#isIntroduced ||= type === "connection_init";
    const weight = type === "subscribe" ? 1 : 0;
    this.#operations += weight;
    try {
      await this.#options.handle(message ?? text);
    } catch (error) {
      this.#options.logger.error({ err: error }, "a WebSocket message could not be handled");
      this.#close(CloseCode.InternalServerError, "Internal server error");
    } finally {
      this.#operations -= weight;
      if (type === "subscribe") {
        this.#leaving.delete(String(id));
      }
    }
  }

  #leave(id: unknown): void {
    this.#leaving.get(String(id))?.abort();
    this.#leaving.delete(String(id));
  }

  #waitForReader(): void {
    const { webSocket, connection } = this.#options;
    if (webSocket.bufferedAmount <= MAX_UNREAD_BYTES || webSocket.isPaused) {
      return;
    }
    webSocket.pause();
    connection.once("drain", () => webSocket.resume());
  }

  /** Says why, and reads nothing more: the client may still have much to send. */
  #close(code: number, reason: string): void {
    const { webSocket, connection } = this.#options;
    this.#isClosed = true;
    webSocket.close(code, reason);
    webSocket.pause();
    connection.end();
  }

  #giveBack(bytes: number): void {
    this.#options.budget.giveBack(bytes);
  }
}

/** @returns undefined for a text that is no JSON, which the protocol refuses */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

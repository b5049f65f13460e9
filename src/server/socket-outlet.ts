import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { PacedJobs } from "./paced-jobs.ts";
import type { SendNext } from "./socket-deliveries.ts";

/** The bytes that may wait for one client, before its subscriptions wait, too. */
const MAX_WAITING_BYTES = 64 * 1024;

/** Writes the messages of subscriptions to one WebSocket, past its library: those of one moment in one go. */
export interface SocketOutlet {
  /** What sends the results of the operation. */
  sendNextOf(operationId: string): SendNext;
  /** Writes what waits. Call it before anything else is sent. */
  flush(): void;
}

/** A message that is not written yet. Its JSON is shared with other sockets, so it takes next to nothing while it waits. */
interface Message {
  /** Its bytes before the JSON. */
  readonly start: Buffer;
  readonly json: Buffer;
}

/**
 * @param connection below the WebSocket, which must neither compress nor fragment what it sends
 * @param jobs writes of all sockets
 */
export function createSocketOutlet(webSocket: WebSocket, connection: Duplex, jobs: PacedJobs): SocketOutlet {
  let waiting: Message[] = [];
  let waitingBytes = 0;
  const flush = (): void => {
    if (waiting.length > 0 && webSocket.readyState === webSocket.OPEN) {
      connection.write(framesOf(waiting, waitingBytes));
    }
    waiting = [];
    waitingBytes = 0;
  };
  return {
    flush,
    sendNextOf(operationId) {
      const start = Buffer.from(`{"id":${JSON.stringify(operationId)},"type":"next","payload":`);
      return (json) => {
        waitingBytes += MAX_HEAD_BYTES + start.length + json.length + 1;
        if (waiting.push({ start, json }) === 1) {
          jobs.run(flush);
        }
        return waitingBytes + connection.writableLength > MAX_WAITING_BYTES
          ? caughtUp(connection, jobs, flush)
          : undefined;
      };
    },
  };
}

/** Resolves once everything is written, or the connection is gone. */
function caughtUp(connection: Duplex, jobs: PacedJobs, flush: () => void): Promise<void> {
  return new Promise((resolve) => {
    jobs.run(() => {
      flush();
      if (!connection.writableNeedDrain || connection.destroyed) {
        resolve();
        return;
      }
      const done = (): void => {
        connection.off("drain", done);
        connection.off("close", done);
        resolve();
      };
      connection.on("drain", done);
      connection.on("close", done);
    });
  });
}

/** The first byte of a frame that is a whole text message. */
const WHOLE_TEXT = 0x81;
/** The bytes of a frame before its message, at most. */
const MAX_HEAD_BYTES = 10;
const MESSAGE_END = 0x7d;

/** WebSocket frames with messages `next` of the protocol. Only their beginnings differ between sockets. */
function framesOf(messages: readonly Message[], maxBytes: number): Buffer {
  const frames = Buffer.allocUnsafe(maxBytes);
  let at = 0;
  for (const { start, json } of messages) {
    at = writeHead(frames, at, start.length + json.length + 1);
    frames.set(start, at);
    at += start.length;
    frames.set(json, at);
    at += json.length;
    frames[at] = MESSAGE_END;
    at += 1;
  }
  return frames.subarray(0, at);
}

/** @returns where the message begins */
function writeHead(frames: Buffer, at: number, length: number): number {
  frames[at] = WHOLE_TEXT;
  if (length < 126) {
    frames[at + 1] = length;
    return at + 2;
  }
  if (length < 65_536) {
    frames[at + 1] = 126;
    return frames.writeUInt16BE(length, at + 2);
  }
  frames[at + 1] = 127;
  return frames.writeBigUInt64BE(BigInt(length), at + 2);
}

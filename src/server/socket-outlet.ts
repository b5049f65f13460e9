import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { PacedJobs } from "./paced-jobs.ts";
import type { SendNext } from "./socket-deliveries.ts";

/** The bytes that may wait for one client, before its subscriptions wait, too. */
const MAX_WAITING_BYTES = 64 * 1024;

/** Writes the messages of subscriptions to one WebSocket, past its library: those of one moment in one go. */
export interface SocketOutlet {
  readonly sendNext: SendNext;
  /** Writes what waits. Call it before anything else is sent. */
  flush(): void;
}

/**
 * @param connection below the WebSocket, which must neither compress nor fragment what it sends
 * @param jobs writes of all sockets
 */
export function createSocketOutlet(webSocket: WebSocket, connection: Duplex, jobs: PacedJobs): SocketOutlet {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let isAsked = false;
  const flush = (): void => {
    isAsked = false;
    if (waiting.length > 0 && webSocket.readyState === webSocket.OPEN) {
      connection.write(waiting.length === 1 ? waiting[0] : Buffer.concat(waiting, waitingBytes));
    }
    waiting = [];
    waitingBytes = 0;
  };
  return {
    flush,
    sendNext(operationId, json) {
      const message = nextMessage(operationId, json);
      waiting.push(message);
      waitingBytes += message.length;
      if (!isAsked) {
        isAsked = true;
        jobs.run(flush);
      }
      return waitingBytes + connection.writableLength > MAX_WAITING_BYTES
        ? caughtUp(connection, jobs, flush)
        : undefined;
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

const MESSAGE_END = Buffer.from("}");
/** The first byte of a frame that is a whole text message. */
const WHOLE_TEXT = 0x81;

/** A WebSocket frame with the message `next` of the protocol. Only its beginning differs between sockets. */
function nextMessage(operationId: string, json: Buffer): Buffer {
  const start = `{"id":${JSON.stringify(operationId)},"type":"next","payload":`;
  const startBytes = Buffer.byteLength(start);
  const length = startBytes + json.length + MESSAGE_END.length;
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = WHOLE_TEXT;
  if (head === 2) {
    frame[1] = length;
  } else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(start, head);
  json.copy(frame, head + startBytes);
  MESSAGE_END.copy(frame, head + length - MESSAGE_END.length);
  return frame;
}

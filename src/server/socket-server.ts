import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Server as ProtocolServer } from "graphql-ws";
import { handleProtocols, MessageType } from "graphql-ws";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";
import type { Logger } from "../kernel/logger.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { headersOf } from "./http-messages.ts";
import { PacedJobs } from "./paced-jobs.ts";
import { peerOf } from "./callers/peer.ts";
import { SocketIntake } from "./socket-intake.ts";
import type { SocketOutlet } from "./socket-outlet.ts";
import { createSocketOutlet } from "./socket-outlet.ts";
import type { SocketExtra } from "./socket-protocol.ts";

/** The WebSockets of the server. */
export interface SocketServer {
  /** Turns an upgrade request into a WebSocket, or refuses it. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** How many are open. */
  count(): number;
  /** Closes all sockets with 1001 and waits until they are closed; cuts off clients that do not answer in time. */
  close(): Promise<void>;
}

export interface SocketServerOptions {
  readonly protocol: ProtocolServer<SocketExtra>;
  readonly logger: Logger;
  /** For what is received and not handled yet. */
  readonly budget: ByteBudget;
  readonly maxMessageBytes: number;
  readonly pingIntervalMs: number;
  readonly drainTimeoutMs: number;
  /** Told how many are open, at each change. */
  readonly onCount?: ((count: number) => void) | undefined;
}

const GOING_AWAY = 1001;
/** Parts of one message; ws keeps each until the last has come. */
const MAX_FRAGMENTS = 1024;
/** Time that a client has to answer a close, in ms. The types of ws do not have it. */
const CLOSING: object = { closeTimeout: 2000 };

export function createSocketServer(options: SocketServerOptions): SocketServer {
  const server = new WebSocketServer({
    ...CLOSING,
    noServer: true,
    maxPayload: options.maxMessageBytes,
    maxFragments: MAX_FRAGMENTS,
    handleProtocols,
    // Compression costs memory per socket, and the messages are small.
    // The outlet writes frames of its own between those of ws, which a compressor would hold back.
    perMessageDeflate: false,
  });
  const jobs = new PacedJobs();
  return {
    accept(request, socket, head) {
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const count = (): void => options.onCount?.(server.clients.size);
        count();
        webSocket.once("close", count);
        serve(options, {
          webSocket,
          connection: socket,
          outlet: createSocketOutlet(webSocket, socket, jobs),
          request,
        });
      });
    },
    count: () => server.clients.size,
    async close() {
      const gone = [...server.clients].map((client) => sendAway(client, options.drainTimeoutMs));
      await Promise.all(gone);
      server.close();
    },
  };
}

interface OpenedSocket {
  readonly webSocket: WebSocket;
  readonly connection: Duplex;
  readonly outlet: SocketOutlet;
  readonly request: IncomingMessage;
}

function serve(
  { protocol, logger, budget, pingIntervalMs }: SocketServerOptions,
  { webSocket: socket, connection, outlet, request }: OpenedSocket,
): void {
  const stopPinging = keepAlive(socket, pingIntervalMs);
  let handle: (message: string) => Promise<void>;
  const intake = new SocketIntake({
    webSocket: socket,
    connection,
    budget,
    logger,
    // The protocol takes messages that are parsed already, too; its type says less.
    handle: (message) => handle(message as string),
  });
  const onClosed = protocol.opened(
    {
      protocol: socket.protocol,
      send(data) {
        outlet.flush();
        return send(socket, data);
      },
      close: (code, reason) => socket.close(code, reason),
      onMessage(handleMessage) {
        handle = handleMessage;
      },
      // Without the client's payload, which is not sent back.
      onPing: () => send(socket, PONG),
    },
    {
      headers: headersOf(request),
      peer: peerOf(request),
      sendNextOf: outlet.sendNextOf,
      operations: () => intake.operations,
      leavingOf: (id) => intake.leavingOf(id),
      authorization: request.headers.authorization,
      close: (code, reason) => socket.close(code, reason),
    },
  );
  // After a message that is too large or a broken frame, ws closes the socket with the right code.
  socket.on("error", (error) => logger.debug({ err: error }, "a WebSocket failed"));
  socket.once("close", (code, reason) => {
    stopPinging();
    onClosed(code, String(reason)).catch((error: unknown) => {
      logger.error({ err: error }, "a closed WebSocket could not be cleaned up");
    });
  });
}

const PONG = JSON.stringify({ type: MessageType.Pong });

/** Resolves once the data are written, so that a subscription waits for a slow client. */
function send(socket: WebSocket, data: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === socket.OPEN) {
      // A failed send closes the socket, which ends its operations.
      socket.send(data, () => resolve());
    } else {
      resolve();
    }
  });
}

/** Pings at intervals, and cuts the client off if it did not answer the last ping. */
function keepAlive(socket: WebSocket, intervalMs: number): () => void {
  let hasAnswered = true;
  socket.on("pong", () => {
    hasAnswered = true;
  });
  const timer = setInterval(() => {
    if (hasAnswered) {
      hasAnswered = false;
      socket.ping();
    } else {
      socket.terminate();
    }
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

function sendAway(client: WebSocket, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => client.terminate(), timeoutMs);
    client.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    client.close(GOING_AWAY, "Going away");
  });
}

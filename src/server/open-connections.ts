import type { Server } from "node:http";
import type { Socket } from "node:net";

/** The connections of an HTTP server, so that it can stop at once and yet finish what it does. */
export interface OpenConnections {
  /**
   * Takes no new connection and no new request, and waits until the requests under way are answered; after the
   * timeout cuts off the rest. Connections that became WebSockets are left alone.
   */
  drain(timeoutMs: number): Promise<void>;
}

/**
 * Node's own `closeIdleConnections` overlooks connections on which no request ever came, and browsers open such
 * ones in advance.
 */
export function trackConnections(server: Server): OpenConnections {
  /** How many requests are under way on each. */
  const requests = new Map<Socket, number>();
  let isDraining = false;
  const closeIfIdle = (socket: Socket): void => {
    if (isDraining && requests.get(socket) === 0) {
      socket.destroySoon();
    }
  };
  server.on("connection", (socket: Socket) => {
    requests.set(socket, 0);
    socket.once("close", () => requests.delete(socket));
  });
  server.on("upgrade", (_request, socket) => requests.delete(socket as Socket));
  server.prependListener("request", ({ socket }, response) => {
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    response.once("close", () => {
      requests.set(socket, (requests.get(socket) ?? 1) - 1);
      closeIfIdle(socket);
    });
  });
  return {
    async drain(timeoutMs) {
      isDraining = true;
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      const deadline = setTimeout(() => {
        for (const socket of requests.keys()) {
          socket.destroy();
        }
      }, timeoutMs);
      for (const socket of requests.keys()) {
        closeIfIdle(socket);
      }
      await closed;
      clearTimeout(deadline);
    },
  };
}

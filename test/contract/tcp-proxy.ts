import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { withDeadline } from "../support/deadline.ts";

/** A connection that a test can cut. */
export interface TcpProxy {
  /** The target's address through the proxy. */
  readonly url: string;
  /** From now on nothing gets through in either direction; connections are still accepted. */
  freeze(): void;
  /** New connections get through again; those from before stay dead. */
  thaw(): void;
  /** Ends all connections at once. */
  cut(): void;
  /** Resolves once that many more connections were accepted. */
  untilConnections(count: number): Promise<void>;
  close(): Promise<void>;
}

/** @param target a URL with host and port */
export async function createTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isFrozen = false;
  const server = createServer((inbound) => {
    track(inbound);
    if (!isFrozen) {
      const outbound = connect(Number(port), hostname);
      track(outbound);
      inbound.pipe(outbound).pipe(inbound);
      inbound.on("close", () => outbound.destroy());
      outbound.on("close", () => inbound.destroy());
    }
  });
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  const taken = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left -= 1) {
      await once(server, "connection");
    }
  };
  return {
    url: url.href,
    freeze() {
      isFrozen = true;
      sockets.forEach((socket) => socket.unpipe().pause());
    },
    thaw: () => void (isFrozen = false),
    cut: () => sockets.forEach((socket) => socket.destroy()),
    untilConnections: (count) => withDeadline(taken(count), 10_000, `${count} connections`),
    async close() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, "close");
    },
  };
}

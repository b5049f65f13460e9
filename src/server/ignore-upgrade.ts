import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Whether a request to upgrade asks for a WebSocket. */
export function isForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/**
 * Serves a request as if it had not asked for another protocol. HTTP allows that, and clients that would like to speak
 * HTTP/2 rely on it: Java's asks for `h2c` with its first request, whatever the body. Node has detached its parser from the
 * connection by then, so the connection is given to the server anew, with the head of the request written again.
 */
export function ignoreUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { server } = socket as Socket & { readonly server?: Server };
  if (server === undefined) {
    socket.destroy();
    return;
  }
  socket.unshift(Buffer.concat([Buffer.from(plainHead(request), "latin1"), head]));
  server.emit("connection", socket);
}

/** Headers that say something about the upgrade. */
const UPGRADE_HEADERS = new Set(["upgrade", "http2-settings", "connection"]);

function plainHead({ method, url, httpVersion, rawHeaders, headers }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (!UPGRADE_HEADERS.has(name.toLowerCase())) {
      lines.push(`${name}: ${rawHeaders[at + 1]}`);
    }
  }
  if (/\bclose\b/i.test(headers.connection ?? "")) {
    lines.push("Connection: close");
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

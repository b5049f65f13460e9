import { ANONYMOUS } from "../core/access/viewer.ts";
import type { Viewer } from "../core/access/viewer.ts";

/** What a caller identifies itself with. */
interface Credentials {
  /** Of the HTTP request, or of the request that opened the WebSocket. */
  readonly headers: Headers;
  /** What the client sent when it opened its WebSocket; undefined over HTTP. */
  readonly connectionParams?: Readonly<Record<string, unknown>>;
}

/**
 * Says who asks: for each HTTP request, and once for each WebSocket.
 * @throws AppError to refuse the caller; its message is told
 */
export type Authenticate = (credentials: Credentials) => Promise<Viewer>;

/** Knows nobody. */
export const authenticateNobody: Authenticate = () => Promise.resolve(ANONYMOUS);

import type { Viewer } from "../core/records/viewer.ts";
import { ANONYMOUS } from "../core/records/viewer.ts";
import type { TaskStore } from "../core/tasks/task-store.ts";
import type { Logger } from "../kernel/logger.ts";
import type { GraphQLSchema } from "graphql";

/** Whether the service can do its work now. */
export interface Readiness {
  readonly isReady: boolean;
  /** What is missing, in words; empty when ready. */
  readonly problems: readonly string[];
}

/** Bounds against clients that ask for too much at once. All may be left out. */
export interface ServerLimits {
  /** Size of a request's body, in bytes; 100,000 ids in one mutation take 1.2 MB. Default 16 MiB. */
  readonly maxBodyBytes?: number;
  /** Fields that one operation may resolve, pages counted by their records. Default 500,000. */
  readonly maxOperationCost?: number;
  /** Size of one WebSocket message, in bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** WebSockets open at a time. Default 10,000. */
  readonly maxSockets?: number;
  /** Operations that run at a time on one WebSocket. Default 100. */
  readonly maxOperationsPerSocket?: number;
  /** Time that a new WebSocket has to introduce itself, in ms. Default 3,000. */
  readonly connectionInitWaitMs?: number;
  /** Time between two pings on a WebSocket; who does not answer until the next is cut off, in ms. Default 12,000. */
  readonly pingIntervalMs?: number;
  /** Time that stop gives requests under way before it cuts them off, in ms. Default 5,000. */
  readonly drainTimeoutMs?: number;
}

export const SERVER_LIMITS: Required<ServerLimits> = Object.freeze({
  maxBodyBytes: 16 * 1024 * 1024,
  maxOperationCost: 500_000,
  maxMessageBytes: 16 * 1024 * 1024,
  maxSockets: 10_000,
  maxOperationsPerSocket: 100,
  connectionInitWaitMs: 3000,
  pingIntervalMs: 12_000,
  drainTimeoutMs: 5000,
});

/** What the HTTP server serves, and where. */
export interface HttpServerOptions {
  readonly schema: GraphQLSchema;
  /** Where it listens. Port 0 picks a free one. */
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  /** Default: everyone is unknown. */
  readonly authenticate?: Authenticate;
  /** For `/tasks/{id}/errors.jsonl` and `/tasks/{id}/records.jsonl`. Default: there are no such files. */
  readonly tasks?: Pick<TaskStore, "find" | "errors" | "records">;
  /** For `/health/ready`. Default: always ready. */
  readonly isReady?: () => Promise<Readiness>;
  /**
   * Web origins (`https://app.example.com`) whose pages may use the service, besides its own; on a loopback
   * address, pages served from loopback may too.
   */
  readonly allowedOrigins?: readonly string[];
  readonly limits?: ServerLimits;
}

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

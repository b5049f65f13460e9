import type { Imports } from "../core/imports/imports.ts";
import type { ModelRegistry } from "../core/records/model.ts";
import type { RateStore } from "../core/access/rate-store.ts";
import type { FileExports } from "../core/files/file-exports.ts";
import type { TaskFiles } from "../core/tasks/task-files.ts";
import type { TaskSight } from "../core/tasks/task-sight.ts";
import type { TaskManager } from "../core/tasks/manager/task-manager.ts";
import type { WriteId } from "../core/records/typed-id.ts";
import type { PersistedOptions } from "./persisted-documents.ts";
import type { Authenticate } from "./callers/caller.ts";
import type { Callers } from "./callers/callers.ts";
import type { OpenBoard } from "./queue-board-handler.ts";
import type { RequestWatch } from "./watch-requests.ts";
import type { Audit } from "../kernel/audit.ts";
import type { Tracing } from "../kernel/tracing.ts";
import type { Logger } from "../kernel/logger.ts";
import type { GraphQLSchema } from "graphql";

/** Whether the service can work now. */
export interface Readiness {
  readonly isReady: boolean;
  /** Sentences about what is wrong; empty when ready. */
  readonly problems: readonly string[];
}

/** Limits against clients that ask for too much at once. */
export interface ServerLimits {
  /** Size of a request's body, in bytes; 100,000 ids in one mutation take 1.2 MB. Default 16 MiB. */
  readonly maxBodyBytes?: number;
  /** Fields that one operation may resolve; a page counts once per record. Default 500,000. */
  readonly maxOperationCost?: number;
  /** Size of one WebSocket message, in bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** WebSockets open at a time. Default 10,000. */
  readonly maxSockets?: number;
  /** Operations that run at a time on one WebSocket. Default 100. */
  readonly maxOperationsPerSocket?: number;
  /** Bytes of bodies and messages that are not handled yet, over all connections. Default 128 MiB. */
  readonly maxReceivedBytes?: number;
  /** Bytes of answers and events that clients have not read, over all connections; the slowest are cut off. Default 256 MiB. */
  readonly maxUnreadBytes?: number;
  /** Connections from one address. Default 2,000. */
  readonly maxConnectionsPerAddress?: number;
  /** WebSockets and event streams of one viewer, in this process; 0 for any number. Default 1,000. */
  readonly maxConnectionsPerViewer?: number;
  /** Requests of one HTTP connection that are not answered yet. Default 50. */
  readonly maxPipelinedRequests?: number;
  /** Time that a client has to send the head of a request, in ms. Default 10,000. */
  readonly headersTimeoutMs?: number;
  /** Time that a client has to send a request with its body, in ms. Default 120,000. */
  readonly requestTimeoutMs?: number;
  /** Time that a new WebSocket has to send `connection_init`, in ms. Default 3,000. */
  readonly connectionInitWaitMs?: number;
  /** Time between two pings on a WebSocket, in ms. A client that has not answered by the next ping is cut off. Default 12,000. */
  readonly pingIntervalMs?: number;
  /** Time in which the client of an export must take something of what waits for it, in ms. Default 30,000. */
  readonly exportIdleMs?: number;
  /** Time that a stop gives to requests under way before it cuts them off, in ms. Default 5,000. */
  readonly drainTimeoutMs?: number;
}

export const SERVER_LIMITS: Required<ServerLimits> = Object.freeze({
  maxBodyBytes: 16 * 1024 * 1024,
  maxOperationCost: 500_000,
  maxMessageBytes: 16 * 1024 * 1024,
  maxSockets: 10_000,
  maxOperationsPerSocket: 100,
  maxReceivedBytes: 128 * 1024 * 1024,
  maxUnreadBytes: 256 * 1024 * 1024,
  maxConnectionsPerAddress: 2000,
  maxConnectionsPerViewer: 1000,
  maxPipelinedRequests: 50,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 120_000,
  connectionInitWaitMs: 3000,
  pingIntervalMs: 12_000,
  exportIdleMs: 30_000,
  drainTimeoutMs: 5000,
});

/** Imports, and the models that they are for. */
export interface ServedImports extends Imports {
  readonly models: Pick<ModelRegistry, "all">;
}

/** See {@link HttpServerOptions.maxFailedSignIns}. */
export const MAX_FAILED_SIGN_INS = 60;

/** The options of the HTTP server. */
export interface HttpServerOptions {
  readonly schema: GraphQLSchema;
  /** Where it listens. Port 0 picks a free one. */
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  /** Finds out who asks. Default: every caller is anonymous. */
  readonly callers?: Callers;
  /** The app's own way, in the place of that. */
  readonly authenticate?: Authenticate;
  /** Whether documents may ask for the schema. Default: true. */
  readonly isIntrospectable?: boolean;
  /** Whether browsers get GraphiQL. Default: true. */
  readonly hasGraphiql?: boolean;
  /** The folder of the built dashboard. Default: there is no dashboard. */
  readonly dashboardFolder?: string | undefined;
  /** The source of `/tasks/{id}/errors.jsonl` and `/tasks/{id}/records.jsonl`. Default: no such files. */
  readonly tasks?: Pick<TaskManager, "get" | "errors" | "records">;
  /** The source of `/exports/<Model>.csv` and `/exports/<Model>.jsonl`. Default: no such files. */
  readonly exports?: FileExports;
  /** The source of the files that tasks have exported. Default: no such files. */
  readonly taskFiles?: Pick<TaskFiles, "read">;
  /** Takes files at `/imports/<Model>`, and gives back the rows that failed. Default: files are not taken. */
  readonly imports?: ServedImports | undefined;
  /** Which tasks viewers see. Default: all. */
  readonly sight?: TaskSight;
  /** How these files write the ids of records. Default: plain. */
  readonly writeId?: WriteId;
  /** Opens Bull Board, for `/queues/` on a loopback address. Default: there is no board. */
  readonly openBoard?: OpenBoard;
  /** For `/health/ready`. Default: always ready. */
  readonly isReady?: () => Promise<Readiness>;
  /**
   * Web origins (`https://app.example.com`) whose pages may use the service, besides its own. A service on a loopback
   * address also lets pages from loopback in. Others are refused, also at health and files. Default: none.
   */
  readonly allowedOrigins?: readonly string[];
  /** Told of each operation, and of the number of WebSockets. Default: nobody is. */
  readonly watch?: RequestWatch;
  /** Writes down who was refused and who exported what, in the audit log. Default: nothing does. */
  readonly audit?: Audit;
  /** Traces mutations. Default: nothing does. */
  readonly tracing?: Tracing;
  /**
   * Host names by which the service answers, besides those of loopback and of the allowed origins. Default: on a loopback
   * address none, elsewhere any.
   */
  readonly allowedHosts?: readonly string[];
  /** Operations and files of one caller in a minute; 0, the default, for any number. */
  readonly rateLimit?: number;
  /** Failed sign-ins of one address in a minute, beyond which it may try no more; 0 for any number. Default: 60. */
  readonly maxFailedSignIns?: number;
  /** Counts both for all processes. Default: each counts for itself. */
  readonly rates?: RateStore;
  /** Proxies in front of the service; see POWERCRUD_PROXY_HOPS. Default: 0. */
  readonly proxyHops?: number;
  /** Documents that clients name by hash. Default: only those that were sent before. */
  readonly persisted?: PersistedOptions;
  readonly limits?: ServerLimits;
}

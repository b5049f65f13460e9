import type { ExecutionArgs, ExecutionResult, GraphQLError } from "graphql";
import type { Context, Server, SubscribePayload } from "graphql-ws";
import { CloseCode, makeServer } from "graphql-ws";
import { createGraphQLError } from "graphql-yoga";
import type { AppError } from "../kernel/app-error.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { Caller } from "./callers/caller.ts";
import { ANONYMOUS_CALLER, unauthenticated } from "./callers/caller.ts";
import type { Callers } from "./callers/callers.ts";
import { refusalBody } from "./http-messages.ts";
import type { OperationTools, SocketOperation } from "./graphql-handler.ts";
import type { MaskError } from "./mask-error.ts";
import { noteDocument } from "./note-refusals.ts";
import { publicError, publicResult } from "./prepared-result.ts";
import type { CallerGuard } from "./callers/caller-guard.ts";
import type { Peer } from "./callers/peer.ts";
import { pushOf } from "./share-events.ts";
import { deliverPrepared } from "./socket-deliveries.ts";
import type { SocketOutlet } from "./socket-outlet.ts";

/** The state of one WebSocket. */
export interface SocketExtra {
  /** The headers of the request that opened it. */
  readonly headers: Headers;
  readonly authorization: string | undefined;
  readonly peer: Peer;
  readonly sendNextOf: SocketOutlet["sendNextOf"];
  /** The signal that says that the client has ended its operation of that id, or left. */
  readonly leavingOf: (id: string) => AbortSignal;
  /** Closes the socket. */
  readonly close: (code: number, reason: string) => void;
  /** How many operations run, with the one that is just asked for. */
  operations(): number;
  /** Set by `connection_init`. */
  caller?: Caller;
  /** Ends the watch over the caller's credential. */
  unwatch?: (() => void) | undefined;
  /** Gives back the caller's place among the viewer's connections. */
  leave?: (() => void) | undefined;
  isClosed?: boolean;
}

export interface SocketProtocolOptions {
  readonly tools: OperationTools;
  readonly callers: Callers;
  readonly guard: CallerGuard;
  readonly maskError: MaskError;
  readonly maxOperationsPerSocket: number;
  readonly connectionInitWaitMs: number;
}

type SocketContext = Context<Record<string, unknown> | undefined, SocketExtra>;

/** Execution arguments, with the functions that execute them in `rootValue`. */
interface PreparedArgs extends ExecutionArgs {
  readonly rootValue: ReturnType<OperationTools["forCaller"]>;
}

/** `graphql-transport-ws`: operations are parsed, validated and executed as over HTTP. */
export function createSocketProtocol(options: SocketProtocolOptions): Server<SocketExtra> {
  const { maskError } = options;
  return makeServer<Record<string, unknown> | undefined, SocketExtra>({
    connectionInitWaitTimeout: options.connectionInitWaitMs,
    onConnect: (context) => welcome(options, context),
    async onSubscribe(context, id, payload) {
      try {
        return await prepare(options, context, id, payload);
      } catch (error) {
        return [maskError(error, { socketOperation: operationOf(context.extra), ...context.extra })];
      }
    },
    execute: (args) => (args as PreparedArgs).rootValue.execute(withoutRoot(args)),
    subscribe: (args) => (args as PreparedArgs).rootValue.subscribe(withoutRoot(args)),
    onOperation: ({ extra }, id, _payload, { contextValue }, result) =>
      Symbol.asyncIterator in result
        ? deliverPrepared(result, extra.sendNextOf(id), pushOf(contextValue))
        : undefined,
    onNext: (_context, _id, _payload, _args, result) => publicResult(result as ExecutionResult),
    onError: (_context, _id, _payload, errors) => errors.map(publicError),
    onClose({ extra }) {
      extra.isClosed = true;
      extra.unwatch?.();
      extra.leave?.();
    },
  });
}

/** Close code for a client that may come back later. */
const TRY_AGAIN_LATER = 1013;
/** Errors for which it is used: the same credential may do then. */
const FOR_LATER: ReadonlySet<ErrorCode> = new Set([
  "UNAVAILABLE",
  "INTERNAL",
  "RATE_LIMITED",
  "LIMIT_EXCEEDED",
]);
/** The most bytes of a close's reason. */
const MAX_REASON_BYTES = 123;

/** @returns false when the caller is refused: the socket is closed then, with the refusal as its reason */
async function welcome(
  { callers, guard, maskError }: SocketProtocolOptions,
  context: SocketContext,
): Promise<boolean> {
  const { extra, connectionParams } = context;
  const request = operationOf(extra);
  try {
    const caller = await callers.identify({
      authorization: extra.authorization,
      headers: extra.headers,
      request,
      ...(connectionParams === undefined ? {} : { connectionParams }),
    });
    if (extra.isClosed === true) {
      return false;
    }
    extra.caller = caller;
    extra.leave = guard.enter(caller, request);
    extra.unwatch = caller.lifetime?.watch(() => refuse(extra, unauthenticated()));
    // They may hold secrets, and would stay as long as the socket.
    delete (context as { connectionParams?: unknown }).connectionParams;
    return true;
  } catch (error) {
    refuse(extra, maskError(error, { socketOperation: request }));
    return false;
  }
}

function refuse(extra: SocketExtra, error: unknown): void {
  const { message, extensions, code = extensions?.["code"] } = error as Partial<GraphQLError & AppError>;
  const body = JSON.stringify(refusalBody(code as ErrorCode, message ?? ""));
  extra.close(
    FOR_LATER.has(code as ErrorCode) ? TRY_AGAIN_LATER : CloseCode.Forbidden,
    Buffer.byteLength(body) > MAX_REASON_BYTES ? String(code) : body,
  );
}

async function prepare(
  { tools, guard, maxOperationsPerSocket }: SocketProtocolOptions,
  { extra }: SocketContext,
  id: string,
  payload: SubscribePayload,
): Promise<PreparedArgs | readonly GraphQLError[]> {
  if (extra.operations() > maxOperationsPerSocket) {
    const error = tooManyOperations(maxOperationsPerSocket);
    noteDocument(guard, { socketOperation: operationOf(extra, id), ...extra }, error);
    return [error];
  }
  const operation = tools.forCaller(extra.caller ?? ANONYMOUS_CALLER, operationOf(extra, id));
  const document = operation.parse(tools.textOf(payload));
  const schema = operation.schema as ExecutionArgs["schema"];
  const errors = operation.validate(schema, document);
  if (errors.length > 0) {
    return errors;
  }
  return {
    schema,
    document,
    operationName: payload.operationName,
    variableValues: payload.variables,
    contextValue: await operation.contextFactory(),
    rootValue: operation,
  };
}

/** A proxy names the request that opened the WebSocket; without one, each operation has a name of its own. */
function operationOf({ headers, peer, leavingOf }: SocketExtra, id?: string): SocketOperation {
  return {
    headers,
    peer,
    get signal() {
      return id === undefined ? undefined : leavingOf(id);
    },
  };
}

function withoutRoot(args: ExecutionArgs): ExecutionArgs {
  return { ...args, rootValue: undefined };
}

function tooManyOperations(max: number): GraphQLError {
  return createGraphQLError(
    `At most ${max} operations can run at a time on one WebSocket. End some, or open another.`,
    {
      extensions: { code: "LIMIT_EXCEEDED" satisfies ErrorCode, max },
    },
  );
}

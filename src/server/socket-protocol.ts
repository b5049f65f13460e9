import type { ExecutionArgs, ExecutionResult, GraphQLError } from "graphql";
import type { Context, Server, SubscribePayload } from "graphql-ws";
import { makeServer } from "graphql-ws";
import { createGraphQLError } from "graphql-yoga";
import type { Viewer } from "../core/access/viewer.ts";
import { ANONYMOUS } from "../core/access/viewer.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { Authenticate } from "./server-options.ts";
import type { OperationTools, SocketOperation } from "./graphql-handler.ts";
import type { MaskError } from "./mask-error.ts";
import { publicError, publicResult } from "./prepared-result.ts";
import type { Peer } from "./rate-limiter.ts";
import type { SendNext } from "./socket-deliveries.ts";
import { deliverPrepared } from "./socket-deliveries.ts";

/** The state of one WebSocket. */
export interface SocketExtra {
  /** The headers of the request that opened it. */
  readonly headers: Headers;
  readonly peer: Peer;
  readonly sendNext: SendNext;
  /** The signal that says that the client has ended its operation of that id, or left. */
  readonly leavingOf: (id: string) => AbortSignal;
  /** How many operations run, with the one that is just asked for. */
  operations(): number;
  /** Set by `connection_init`. */
  viewer?: Viewer;
}

export interface SocketProtocolOptions {
  readonly tools: OperationTools;
  readonly authenticate: Authenticate;
  readonly maskError: MaskError;
  readonly maxOperationsPerSocket: number;
  readonly connectionInitWaitMs: number;
}

type SocketContext = Context<Record<string, unknown> | undefined, SocketExtra>;

/** Execution arguments, with the functions that execute them in `rootValue`. */
interface PreparedArgs extends ExecutionArgs {
  readonly rootValue: ReturnType<OperationTools["forViewer"]>;
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
    onOperation: ({ extra }, id, _payload, _args, result) =>
      Symbol.asyncIterator in result ? deliverPrepared(result, id, extra.sendNext) : undefined,
    onNext: (_context, _id, _payload, _args, result) => publicResult(result as ExecutionResult),
    onError: (_context, _id, _payload, errors) => errors.map(publicError),
  });
}

/** @returns false, which closes the socket as forbidden, when the caller is refused */
async function welcome(
  { authenticate, maskError }: SocketProtocolOptions,
  context: SocketContext,
): Promise<boolean> {
  const { extra, connectionParams } = context;
  try {
    extra.viewer = await authenticate({
      headers: extra.headers,
      ...(connectionParams === undefined ? {} : { connectionParams }),
    });
    // They may hold secrets, and would stay as long as the socket.
    delete (context as { connectionParams?: unknown }).connectionParams;
    return true;
  } catch (error) {
    maskError(error, { socketOperation: operationOf(extra) });
    return false;
  }
}

async function prepare(
  { tools, maxOperationsPerSocket }: SocketProtocolOptions,
  { extra }: SocketContext,
  id: string,
  payload: SubscribePayload,
): Promise<PreparedArgs | readonly GraphQLError[]> {
  if (extra.operations() > maxOperationsPerSocket) {
    return [tooManyOperations(maxOperationsPerSocket)];
  }
  const operation = tools.forViewer(extra.viewer ?? ANONYMOUS, operationOf(extra, id));
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

import type { ExecutionArgs, FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from "graphql";
import type { Context, Server, SubscribePayload } from "graphql-ws";
import { makeServer } from "graphql-ws";
import { createGraphQLError } from "graphql-yoga";
import type { Viewer } from "../core/records/viewer.ts";
import { ANONYMOUS } from "../core/records/viewer.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { Authenticate } from "./server-options.ts";
import type { OperationTools } from "./graphql-handler.ts";
import type { MaskError } from "./mask-error.ts";

/** What is kept of each WebSocket. */
export interface SocketExtra {
  /** Of the request that opened it. */
  readonly headers: Headers;
  /** Set when it has introduced itself. */
  viewer?: Viewer;
}

/** What the protocol works with. */
export interface SocketProtocolOptions {
  readonly tools: OperationTools;
  readonly authenticate: Authenticate;
  readonly maskError: MaskError;
  readonly maxOperationsPerSocket: number;
  readonly connectionInitWaitMs: number;
}

type SocketContext = Context<Record<string, unknown> | undefined, SocketExtra>;

/** Execution arguments that carry the functions to execute them with. */
interface PreparedArgs extends ExecutionArgs {
  readonly rootValue: ReturnType<OperationTools["forViewer"]>;
}

/** `graphql-transport-ws`: every operation goes the same way as over HTTP. */
export function createSocketProtocol(options: SocketProtocolOptions): Server<SocketExtra> {
  const { maskError } = options;
  return makeServer<Record<string, unknown> | undefined, SocketExtra>({
    connectionInitWaitTimeout: options.connectionInitWaitMs,
    onConnect: (context) => welcome(options, context),
    async onSubscribe(context, _id, payload) {
      try {
        return await prepare(options, context, payload);
      } catch (error) {
        return [maskError(error)];
      }
    },
    execute: (args) => (args as PreparedArgs).rootValue.execute(withoutRoot(args)),
    subscribe: (args) => (args as PreparedArgs).rootValue.subscribe(withoutRoot(args)),
    onNext: (_context, _id, _payload, _args, { errors, ...result }) =>
      ({ ...result, ...(errors && { errors: errors.map(toPublic) }) }) as FormattedExecutionResult,
    onError: (_context, _id, _payload, errors) => errors.map(toPublic),
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
    return true;
  } catch (error) {
    maskError(error);
    return false;
  }
}

async function prepare(
  { tools, maxOperationsPerSocket }: SocketProtocolOptions,
  { extra, subscriptions }: SocketContext,
  payload: SubscribePayload,
): Promise<PreparedArgs | readonly GraphQLError[]> {
  if (Object.keys(subscriptions).length > maxOperationsPerSocket) {
    return [tooManyOperations(maxOperationsPerSocket)];
  }
  const operation = tools.forViewer(extra.viewer ?? ANONYMOUS);
  const document = operation.parse(payload.query);
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

/** Without what is meant for yoga's HTTP side. */
function toPublic(error: GraphQLError | GraphQLFormattedError): GraphQLFormattedError {
  const formatted = "toJSON" in error ? error.toJSON() : error;
  const { http: _http, unexpected: _unexpected, ...extensions } = formatted.extensions ?? {};
  return { ...formatted, extensions };
}

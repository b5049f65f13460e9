import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLError, GraphQLSchema } from "graphql";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "graphql-yoga";
import { createGraphQLError, createYoga, isAsyncIterable } from "graphql-yoga";
import type { Viewer } from "../core/access/viewer.ts";
import type { GraphQLContext } from "../graphql/context.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { Authenticate } from "./authenticate.ts";
import { createDocumentCache } from "./document-cache.ts";
import { limitNesting } from "./limit-nesting.ts";
import type { MaskError } from "./mask-error.ts";
import { operationCost } from "./operation-cost.ts";
import type { OpenStreams } from "./open-streams.ts";

/** What a transport knows of an operation's caller before anyone asked who it is. */
interface TransportContext {
  /** Over WebSocket the viewer is known already. */
  readonly viewer?: Viewer;
}

/** What every transport runs its operations with: the same schema, plugins, validation and mask. */
export interface OperationTools {
  /** @param viewer who asks; known once for each WebSocket */
  forViewer(viewer: Viewer): ReturnType<ReturnType<typeof createGraphQLYoga>["getEnveloped"]>;
}

/** GraphQL over HTTP: queries, mutations, and subscriptions as server-sent events. */
export interface GraphQLHandler extends OperationTools {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** What the handler works with. */
export interface GraphQLHandlerOptions {
  readonly schema: GraphQLSchema;
  readonly authenticate: Authenticate;
  readonly maskError: MaskError;
  readonly streams: OpenStreams;
  readonly maxBodyBytes: number;
  readonly maxOperationCost: number;
}

export function createGraphQLHandler(options: GraphQLHandlerOptions): GraphQLHandler {
  const yoga = createGraphQLYoga(options);
  return {
    forViewer: (viewer) => yoga.getEnveloped({ viewer }),
    async handle(request, response) {
      await yoga(request, response);
    },
  };
}

function createGraphQLYoga({
  schema,
  authenticate,
  maskError,
  streams,
  maxBodyBytes,
  maxOperationCost,
}: GraphQLHandlerOptions) {
  return createYoga<TransportContext, GraphQLContext>({
    schema,
    graphqlEndpoint: "/graphql",
    // A page that gets here has passed the origin policy; its browser is told so.
    cors: { methods: ["GET", "POST"] },
    graphiql: false,
    landingPage: false,
    // Files are not uploaded here, and browsers send this type across origins without asking.
    multipart: false,
    logging: false,
    maskedErrors: { maskError: (error) => explainLimit(maskError(error), maxBodyBytes) },
    maxRequestBodySize: maxBodyBytes,
    parserAndValidationCache: {
      documentCache: createDocumentCache<DocumentNode>(),
      errorCache: createDocumentCache<unknown>(),
    },
    context: async (initial) => ({
      viewer: initial.viewer ?? (await authenticate({ headers: initial.request.headers })),
    }),
    plugins: [limitNesting(), limitCost(maxOperationCost), trackStreams(streams)],
  });
}

/** Refuses operations that would make the service resolve too much, on every transport, before anything is read. */
function limitCost(maxOperationCost: number): Plugin {
  const refusalOf = (args: ExecutionArgs): ExecutionResult | undefined => {
    const { schema, document, operationName, variableValues } = args;
    const cost = operationCost({ schema, document, operationName, variables: variableValues ?? {} });
    if (cost <= maxOperationCost) {
      return undefined;
    }
    const message = `This operation may resolve ${cost} fields; ${maxOperationCost} are allowed. Ask for smaller pages, or for less below them.`;
    const extensions = { code: "LIMIT_EXCEEDED" satisfies ErrorCode, cost, maxOperationCost };
    return { errors: [createGraphQLError(message, { extensions })] };
  };
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const refusal = refusalOf(args);
      if (refusal !== undefined) {
        setResultAndStopExecution(refusal);
      }
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const refusal = refusalOf(args);
      if (refusal !== undefined) {
        setResultAndStopExecution(refusal);
      }
    },
  };
}

/** Lets the server end the event streams that it sends over HTTP; WebSockets it ends by closing them. */
function trackStreams(streams: OpenStreams): Plugin {
  return {
    onSubscribe: ({ args }) => ({
      onSubscribeResult({ result, setResult }) {
        const isHttp = (args.contextValue as { readonly request?: unknown }).request !== undefined;
        if (isHttp && isAsyncIterable(result)) {
          setResult(streams.track(result));
        }
      },
    }),
  };
}

/** Yoga says that a body is too large, not what would be right. */
function explainLimit(error: GraphQLError, maxBodyBytes: number): GraphQLError {
  if (error.extensions["code"] !== "REQUEST_ENTITY_TOO_LARGE") {
    return error;
  }
  return createGraphQLError(
    `The request's body is larger than ${maxBodyBytes} bytes. Send less, or select the records with a filter instead of ids.`,
    { extensions: { code: "LIMIT_EXCEEDED" satisfies ErrorCode, maxBodyBytes, http: { status: 413 } } },
  );
}

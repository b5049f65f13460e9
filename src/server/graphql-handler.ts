import type { Viewer } from "../core/access/viewer.ts";
import type { GraphQLContext } from "../graphql/builder.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import { limitNesting } from "./limit-nesting.ts";
import type { MaskError } from "./mask-error.ts";
import { operationCost } from "./operation-cost.ts";
import type { Authenticate } from "./server-options.ts";
import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLError, GraphQLSchema } from "graphql";
import type { Plugin } from "graphql-yoga";
import { createGraphQLError, createYoga } from "graphql-yoga";
import type { IncomingMessage, ServerResponse } from "node:http";

/** The caller's data that a transport has before authentication. */
interface TransportContext {
  /** Set over WebSocket, where the viewer is authenticated once per connection. */
  readonly viewer?: Viewer;
}

/** The schema, plugins, validation and error mask that all transports share. */
export interface OperationTools {
  /** The functions to parse, validate and execute the viewer's operations with. */
  forViewer(viewer: Viewer): ReturnType<ReturnType<typeof createGraphQLYoga>["getEnveloped"]>;
}

/** GraphQL over HTTP: queries, mutations, and subscriptions as server-sent events. */
export interface GraphQLHandler extends OperationTools {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /**
   * Breaks off the event streams that are open, and those that open later, without `complete`: that would look like the
   * end of a task, and clients would not come back.
   */
  breakOffStreams(): void;
}

interface GraphQLHandlerOptions {
  readonly schema: GraphQLSchema;
  readonly authenticate: Authenticate;
  readonly maskError: MaskError;
  readonly maxBodyBytes: number;
  readonly maxOperationCost: number;
}

export function createGraphQLHandler(options: GraphQLHandlerOptions): GraphQLHandler {
  const streams = trackStreams();
  const yoga = createGraphQLYoga(options, streams.plugin);
  return {
    forViewer: (viewer) => yoga.getEnveloped({ viewer }),
    async handle(request, response) {
      await yoga(request, response);
    },
    breakOffStreams: () => streams.breakOff(),
  };
}

function createGraphQLYoga(
  { schema, authenticate, maskError, maxBodyBytes, maxOperationCost }: GraphQLHandlerOptions,
  streams: Plugin,
) {
  return createYoga<TransportContext, GraphQLContext>({
    schema,
    graphqlEndpoint: "/graphql",
    // The origin policy has allowed the page; these headers tell its browser.
    cors: { methods: ["GET", "POST"] },
    graphiql: false,
    landingPage: false,
    // There are no uploads, and browsers send this content type across origins without a preflight.
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
    plugins: [limitNesting(), limitCost(maxOperationCost), streams],
  });
}

/** Refuses operations that would resolve too many fields, on every transport, before reading any data. */
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

interface StreamTracker {
  readonly plugin: Plugin;
  breakOff(): void;
}

/** Tracks the responses that are event streams. When one is broken off, yoga ends its source, as when a client leaves. */
function trackStreams(): StreamTracker {
  const open = new Set<ServerResponse>();
  let isStopping = false;
  const track = (stream: ServerResponse): void => {
    if (isStopping) {
      stream.destroy();
      return;
    }
    open.add(stream);
    stream.once("close", () => open.delete(stream));
  };
  return {
    plugin: {
      onResponse({ response, serverContext }) {
        const { res } = serverContext as { readonly res?: ServerResponse };
        const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
        if (res !== undefined && isStream) {
          track(res);
        }
      },
    },
    breakOff() {
      isStopping = true;
      for (const stream of open) {
        stream.destroy();
      }
    },
  };
}

/** Adds the limit and a remedy to yoga's error for a body that is too large. */
function explainLimit(error: GraphQLError, maxBodyBytes: number): GraphQLError {
  if (error.extensions["code"] !== "REQUEST_ENTITY_TOO_LARGE") {
    return error;
  }
  return createGraphQLError(
    `The request's body is larger than ${maxBodyBytes} bytes. Send less, or select the records with a filter instead of ids.`,
    { extensions: { code: "LIMIT_EXCEEDED" satisfies ErrorCode, maxBodyBytes, http: { status: 413 } } },
  );
}

/** Yoga's cache of parsed documents and of syntax errors. */
interface DocumentCache<T> {
  get(text: string): T | undefined;
  set(text: string, value: T): void;
}

/** Longer texts are not kept: a mutation with 100,000 inline ids is sent once, and its tree is huge. */
const MAX_TEXT_LENGTH = 8000;

/** @param maxEntries the most entries; the least recently used one is dropped first */
export function createDocumentCache<T>(maxEntries = 500): DocumentCache<T> {
  const entries = new Map<string, T>();
  const keep = (text: string, value: T): void => {
    entries.delete(text);
    entries.set(text, value);
    if (entries.size > maxEntries) {
      const [oldest] = entries.keys();
      entries.delete(oldest ?? "");
    }
  };
  return {
    get(text) {
      const value = entries.get(text);
      if (value !== undefined) {
        keep(text, value);
      }
      return value;
    },
    set(text, value) {
      if (text.length <= MAX_TEXT_LENGTH) {
        keep(text, value);
      }
    },
  };
}

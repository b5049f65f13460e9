import type { Execute } from "../graphql/execution/planned-executor.ts";
import { createPlannedExecutor } from "../graphql/execution/planned-executor.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { Tracing } from "../kernel/tracing.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { Caller } from "./callers/caller.ts";
import type { GivenCredentials } from "./callers/caller.ts";
import type { CallerGuard } from "./callers/caller-guard.ts";
import type { CallersRequest } from "./callers/peer.ts";
import type { Callers } from "./callers/callers.ts";
import type { ServedContext } from "./callers/limit-scopes.ts";
import { limitScopes } from "./callers/limit-scopes.ts";
import { compressAnswer } from "./compress.ts";
import { createDocumentCache } from "./document-cache.ts";
import { paramsOfBody, paramsOfText, paramsOfUrl } from "./graphql-params.ts";
import { refusalBody, sendJson, sendTypeRefusal } from "./http-messages.ts";
import type { JsonHandlerOptions } from "./json-handler.ts";
import { createJsonHandler } from "./json-handler.ts";
import { joinExecution } from "./join-execution.ts";
import { limitOperations } from "./limit-operations.ts";
import { PLAIN_JSON_LENGTH } from "./long-json.ts";
import type { MaskError } from "./mask-error.ts";
import { noteDocument, noteRefusals } from "./note-refusals.ts";
import { maskWithAsker } from "./mask-error.ts";
import { acceptanceOf, EVENTS_UNACCEPTABLE } from "./media-types.ts";
import type { DocumentRequest, PersistedDocuments } from "./persisted-documents.ts";
import { operationCost } from "./operation-cost.ts";
import { publicError } from "./prepared-result.ts";
import { peerOf } from "./callers/peer.ts";
import { rateHeaders } from "./rate-limiter.ts";
import { readBody } from "./request-body.ts";
import { madeRequestId, REQUEST_ID_HEADER, requestIdOf } from "./request-id.ts";
import { shareEvents } from "./share-events.ts";
import type { StreamHolder } from "./track-streams.ts";
import { isEventStream, trackStreams } from "./track-streams.ts";
import type { RequestWatch } from "./watch-requests.ts";
import { scopeMutations, watchRequests } from "./watch-requests.ts";
import type {
  ASTVisitor,
  DocumentNode,
  ExecutionArgs,
  ExecutionResult,
  GraphQLSchema,
  ValidationContext,
} from "graphql";
import { GraphQLError } from "graphql";
import { normalizedExecutor } from "@graphql-tools/executor";
import type { Plugin } from "graphql-yoga";
import { createGraphQLError, createYoga } from "graphql-yoga";
import type { IncomingMessage, ServerResponse } from "node:http";

/** An operation over WebSocket, in the place of the request that it has not. */
export interface SocketOperation extends CallersRequest {
  /** Says that the client has ended it, or left. Made only if somebody asks for it. */
  readonly signal?: AbortSignal | undefined;
}

/** The caller's data that a transport has before authentication. */
interface TransportContext {
  /** Set over WebSocket, where the caller is identified once per connection. */
  readonly caller?: Caller;
  /** Set over WebSocket, where one request stands for many operations. */
  readonly socketOperation?: SocketOperation;
  /** Set on the long way through HTTP. */
  readonly req?: IncomingMessage;
}

/** The schema, plugins, validation and error mask that all transports share. */
export interface OperationTools {
  /** The document that a message asks for. @throws GraphQLError as {@link PersistedDocuments.textOf} */
  textOf(payload: DocumentRequest & { readonly query: string }): string;
  /** The functions to parse, validate and execute the caller's operations with. */
  forCaller(
    caller: Caller,
    socketOperation: SocketOperation,
  ): ReturnType<ReturnType<typeof createGraphQLYoga>["getEnveloped"]>;
}

/** GraphQL over HTTP: queries, mutations, and subscriptions as server-sent events. */
export interface GraphQLHandler extends OperationTools {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** The same for servers that speak `Request` and `Response`. */
  fetch(request: Request): Promise<Response>;
  /**
   * Breaks off the event streams that are open, and those that open later, without `complete`: that would look like the
   * end of a task, and clients would not come back.
   */
  breakOffStreams(): void;
}

interface GraphQLHandlerOptions {
  readonly schema: GraphQLSchema;
  readonly callers: Callers;
  readonly isIntrospectable: boolean;
  readonly maskError: MaskError;
  readonly maxBodyBytes: number;
  /** For the bodies of all requests that are not answered yet. */
  readonly budget: ByteBudget;
  readonly maxOperationCost: number;
  readonly documents: PersistedDocuments;
  readonly watch?: Pick<RequestWatch, "request"> | undefined;
  readonly tracing?: Tracing | undefined;
  readonly guard: CallerGuard;
}

export function createGraphQLHandler(options: GraphQLHandlerOptions): GraphQLHandler {
  const maskError: MaskError = (error, asker) =>
    explainLimit(options.maskError(error, asker), options.maxBodyBytes);
  const streams = trackStreams(options.guard, maskError);
  const yoga = createGraphQLYoga({ ...options, maskError }, streams.plugin);
  const answerJson = createJsonHandler({
    operationFor: (context) => yoga.getEnveloped(context) as ReturnType<JsonHandlerOptions["operationFor"]>,
    maskError,
    bodies: { maxBytes: options.maxBodyBytes, budget: options.budget },
    textOf: options.documents.textOf,
    onRefused: (request, error) => noteDocument(options.guard, { request }, error),
  });
  const plainBodies = { maxBytes: Math.min(PLAIN_JSON_LENGTH, options.maxBodyBytes), budget: options.budget };
  const answerLongWay = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === "POST") {
      let body: Buffer | undefined;
      try {
        body = await readBody(request, response, plainBodies);
      } catch (error) {
        sendError(response, explainLimit(options.maskError(error), plainBodies.maxBytes));
        return;
      }
      if (body === undefined) {
        return;
      }
      // In the place of the body, which is read. Yoga waits for one where this is empty.
      Object.assign(request, { body: body.length === 0 ? Buffer.from(" ") : body });
    }
    await yoga(request, response);
  };
  return {
    textOf: (payload) => String(options.documents.textOf(payload)),
    forCaller: (caller, socketOperation) => yoga.getEnveloped({ caller, socketOperation }),
    async handle(request, response) {
      const { json, takesEventStream } = acceptanceOf(request.headers.accept);
      if (json === undefined || !isOfShortWay(request)) {
        if (json !== undefined) {
          compressAnswer(request, response);
        }
        await answerLongWay(request, response);
        return;
      }
      const outcome = await answerJson(request, response, json);
      if (outcome.kind === "SUBSCRIPTION" && takesEventStream) {
        // In the place of the body, which is read.
        await yoga(Object.assign(request, { body: { ...outcome.params } }), response);
      } else if (outcome.kind === "SUBSCRIPTION") {
        sendTypeRefusal(response, EVENTS_UNACCEPTABLE);
      }
    },
    async fetch(request) {
      const stream = {};
      return streams.track(await yoga.fetch(request, { stream }), stream);
    },
    breakOffStreams: () => streams.breakOff(),
  };
}

/** Whether the request is a GET, or a POST with JSON. */
function isOfShortWay({ method, headers }: IncomingMessage): boolean {
  return method === "GET" || (method === "POST" && isJson(headers["content-type"]));
}

function isJson(contentType: string | null | undefined): boolean {
  return /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(contentType ?? "");
}

/** Makes yoga read parameters as the short way does. */
function readParams(textOf: PersistedDocuments["textOf"]): Plugin {
  return {
    onRequestParse({ request, setRequestParser }) {
      if (request.method === "GET") {
        setRequestParser(() => paramsOfUrl(request.url, textOf));
      } else if (/^application\/(graphql\+)?json\b/i.test(request.headers.get("content-type") ?? "")) {
        setRequestParser(async (limited) => paramsOfBody(await limited.text(), textOf));
      } else {
        setRequestParser(async (limited) => paramsOfText(await limited.text()));
      }
    },
  };
}

/** Says what a subscription needs, where yoga would answer 406 without a word. */
function explainUnacceptable(): Plugin {
  return {
    onResultProcess({ resultProcessor, setResultProcessor }) {
      if (resultProcessor === undefined) {
        const { status, message, accept } = EVENTS_UNACCEPTABLE;
        const body = refusalBody("VALIDATION_FAILED", message);
        const headers = { accept, "content-type": "application/json; charset=utf-8" };
        setResultProcessor(() => Response.json(body, { status, headers }), "application/json");
      }
    },
  };
}

/** For errors of syntax: those that yoga knows are thrown past the plugins that count and note them. */
const NO_CACHE = { get: () => undefined, set: () => undefined };

function createGraphQLYoga(
  {
    schema,
    callers,
    isIntrospectable,
    maskError,
    maxBodyBytes,
    maxOperationCost,
    documents,
    watch,
    tracing,
    guard,
  }: GraphQLHandlerOptions,
  streams: Plugin,
) {
  const execute = createPlannedExecutor(normalizedExecutor as Execute);
  return createYoga<TransportContext & Partial<StreamHolder>, ServedContext>({
    schema,
    graphqlEndpoint: "/graphql",
    // The router has done that, for all routes alike.
    cors: false,
    graphiql: false,
    landingPage: false,
    // There are no uploads, and browsers send this content type across origins without a preflight.
    multipart: false,
    logging: false,
    // It would give its message as the second argument.
    maskedErrors: { maskError: (error) => maskError(error) },
    maxRequestBodySize: maxBodyBytes,
    parserAndValidationCache: { documentCache: createDocumentCache<DocumentNode>(), errorCache: NO_CACHE },
    context({ caller: known, socketOperation, request, req }) {
      if (req !== undefined) {
        Object.assign(request, { peer: peerOf(req) });
      }
      const contextOf = (caller: Caller): ServedContext => {
        const client = socketOperation ?? request;
        guard.count(caller, client);
        return { viewer: caller.viewer, caller, client };
      };
      const identified = known ?? callers.identify(new RequestCredentials(request));
      return identified instanceof Promise ? identified.then(contextOf) : contextOf(identified);
    },
    plugins: joinExecution([
      readParams(documents.textOf),
      noteRefusals(guard),
      ...(isIntrospectable ? [] : [refuseIntrospection()]),
      limitOperations(),
      documents.plugin,
      limitScopes(maskError, guard),
      limitCost(maxOperationCost),
      executeBy(execute),
      // Around what executes them.
      scopeMutations(tracing, guard),
      shareEvents(maskError, execute),
      streams,
      maskWithAsker(maskError),
      // After the mask, which tells unexpected errors from others.
      ...(watch === undefined ? [] : [watchRequests(watch)]),
      nameRequest(),
      // After all that choose how a result is sent.
      explainUnacceptable(),
    ]),
  });
}

/** A request of ours has the header beside the others; one of the web platform has it among them. */
class RequestCredentials implements GivenCredentials {
  readonly request: Request;
  readonly authorization: string | undefined;

  constructor(request: Request & { readonly authorization?: string | undefined }) {
    this.request = request;
    this.authorization = "authorization" in request ? request.authorization : authorizationOf(request);
  }

  /** Making them costs more than a small operation, and not every app reads them. */
  get headers(): Headers {
    return this.request.headers;
  }
}

function authorizationOf({ headers }: Request): string | undefined {
  return headers.get("authorization") ?? undefined;
}

/**
 * Adds the request id to answers: to those that tell of it, and to event streams, whose events may do so later. Adds how the
 * caller stands to its limit, if there is one.
 */
function nameRequest(): Plugin {
  return {
    onResponse({ request, response }) {
      const { rate }: CallersRequest = request;
      Object.entries(rate === undefined ? {} : rateHeaders(rate)).forEach(([name, value]) =>
        response.headers.set(name, value),
      );
      const id = isEventStream(response) ? requestIdOf(request) : madeRequestId(request);
      if (id !== undefined) {
        response.headers.set(REQUEST_ID_HEADER, id);
      }
    },
  };
}

/** The limits before it see every operation; it executes what they let through. */
function executeBy(execute: Execute): Plugin {
  return { onExecute: ({ setExecuteFn }) => setExecuteFn(execute) };
}

/** Refuses operations that would resolve too many fields, on every transport, before reading any data. */
function limitCost(maxOperationCost: number): Plugin {
  // Where variables do not matter, by operation; as long as the server keeps the parsed document.
  const known = new WeakMap<DocumentNode, Map<string, number>>();
  const costOf = ({ schema, document, operationName, variableValues }: ExecutionArgs): number => {
    const costs = known.get(document) ?? new Map<string, number>();
    const kept = costs.get(operationName ?? "");
    if (kept !== undefined) {
      return kept;
    }
    const measured = operationCost({ schema, document, operationName, variables: variableValues ?? {} });
    if (measured.isFixed) {
      known.set(document, costs.set(operationName ?? "", measured.cost));
    }
    return measured.cost;
  };
  const refusalOf = (args: ExecutionArgs): ExecutionResult | undefined => {
    const cost = costOf(args);
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

/** Answers with an error that came before the operation was read, with the status and the headers that it asks for. */
function sendError(response: ServerResponse, error: GraphQLError): void {
  const { status = 400, headers = {} } = (error.extensions["http"] ?? {}) as {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
  };
  response.setHeaders(new Map(Object.entries(headers)));
  sendJson(response, status, { errors: [publicError(error)] });
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

/** Refuses documents that ask for the schema, on every transport. `__typename` is no such question. */
function refuseIntrospection(): Plugin {
  return { onValidate: ({ addValidationRule }) => addValidationRule(withoutIntrospection) };
}

function withoutIntrospection(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      if (node.name.value === "__schema" || node.name.value === "__type") {
        const message = `This service does not show its schema (${node.name.value}). Its operator can change that with the setting POWERCRUD_INTROSPECTION.`;
        const extensions = { code: "FORBIDDEN" satisfies ErrorCode };
        context.reportError(new GraphQLError(message, { nodes: node, extensions }));
      }
    },
  };
}

import type { DocumentNode, ExecutionArgs, ExecutionResult } from "graphql";
import { getOperationAST, OperationTypeNode } from "graphql";
import type { FetchAPI } from "graphql-yoga";
import { processRegularResult } from "graphql-yoga";
import type { IncomingMessage, ServerResponse } from "node:http";
import { compressIfLong } from "./compress.ts";
import type { GraphQLParams } from "./graphql-params.ts";
import { paramsOfBody, paramsOfUrl } from "./graphql-params.ts";
import type { RequestHead } from "./http-messages.ts";
import { headOf } from "./http-messages.ts";
import { rateHeaders } from "./rate-limiter.ts";
import type { MaskError } from "./mask-error.ts";
import type { JsonType } from "./media-types.ts";
import type { PersistedDocuments } from "./persisted-documents.ts";
import type { BodyLimits } from "./request-body.ts";
import { readBody } from "./request-body.ts";
import { madeRequestId, REQUEST_ID_HEADER } from "./request-id.ts";

/** The functions that yoga's plugins make for one operation. */
interface EnvelopedOperation {
  parse(text: string): DocumentNode;
  validate(schema: ExecutionArgs["schema"], document: DocumentNode): readonly Error[];
  contextFactory(): unknown;
  execute(args: ExecutionArgs): Promise<ExecutionResult> | ExecutionResult;
  readonly schema: ExecutionArgs["schema"];
}

/** What the handler needs. */
export interface JsonHandlerOptions {
  /** Yoga's `getEnveloped`. */
  readonly operationFor: (context: {
    /** What its plugins and ours read of the request. */
    readonly request: RequestHead;
    readonly params: GraphQLParams;
  }) => EnvelopedOperation;
  readonly maskError: MaskError;
  readonly bodies: BodyLimits;
  readonly textOf: PersistedDocuments["textOf"];
  /** Told why a request is not executed. */
  readonly onRefused: (request: RequestHead, error: unknown) => void;
}

/**
 * What became of a request: it is answered; or it is a subscription, which has an event stream and is not begun. Its body is
 * read by then.
 */
export type JsonOutcome =
  | { readonly kind: "ANSWERED" }
  | { readonly kind: "SUBSCRIPTION"; readonly params: GraphQLParams };

/** Answers GET, and POST with JSON. */
export type JsonHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  type: JsonType,
) => Promise<JsonOutcome>;

/**
 * The short way of queries and mutations through HTTP: node's own messages and yoga's pipeline of plugins, without the Request
 * and Response of the web platform, which cost more than a small operation. The answers are those of yoga.
 */
export function createJsonHandler(options: JsonHandlerOptions): JsonHandler {
  const valid = new WeakSet<DocumentNode>();
  return async (request, response, type) => {
    let result: ExecutionResult;
    const head = headOf(request, response);
    try {
      const params = await readParams(request, response, options);
      if (params === undefined) {
        return ANSWERED;
      }
      const executed = await execute(options, valid, head, params);
      if (executed === undefined) {
        return { kind: "SUBSCRIPTION", params };
      }
      result = executed;
    } catch (error) {
      const masked = options.maskError(error, { request: head });
      options.onRefused(head, masked);
      result = { errors: [masked] };
    }
    const requestId = madeRequestId(head);
    if (requestId !== undefined) {
      response.setHeader(REQUEST_ID_HEADER, requestId);
    }
    if (head.rate !== undefined) {
      response.setHeaders(new Map(Object.entries(rateHeaders(head.rate))));
    }
    send(request, response, result, type);
    return ANSWERED;
  };
}

const ANSWERED: JsonOutcome = Object.freeze({ kind: "ANSWERED" });

/** @returns undefined if the client left */
function readParams(
  request: IncomingMessage,
  response: ServerResponse,
  { bodies, textOf }: JsonHandlerOptions,
): GraphQLParams | Promise<GraphQLParams | undefined> {
  return request.method === "POST"
    ? readBody(request, response, bodies).then((body) => body && paramsOfBody(body.toString(), textOf))
    : paramsOfUrl(request.url ?? "", textOf);
}

/**
 * @param valid the documents that need not be validated any more. They are parsed by the pipeline each time, from its cache,
 *   since its check of the operation depends on the request
 * @returns undefined for a subscription
 */
function execute(
  { operationFor }: JsonHandlerOptions,
  valid: WeakSet<DocumentNode>,
  request: RequestHead,
  params: GraphQLParams,
): ExecutionResult | Promise<ExecutionResult> | undefined {
  const operation = operationFor({ request, params });
  const document = operation.parse(params.query);
  if (!valid.has(document)) {
    const errors = operation.validate(operation.schema, document);
    if (errors.length > 0) {
      return { errors } as ExecutionResult;
    }
    valid.add(document);
  }
  if (getOperationAST(document, params.operationName)?.operation === OperationTypeNode.SUBSCRIPTION) {
    return undefined;
  }
  const run = (contextValue: unknown): ExecutionResult | Promise<ExecutionResult> =>
    operation.execute({
      schema: operation.schema,
      document,
      contextValue,
      variableValues: params.variables,
      operationName: params.operationName,
    });
  const made = operation.contextFactory();
  return made instanceof Promise ? made.then(run) : run(made);
}

/** What yoga makes of a result: the text, the status that the errors ask for, and the content type. */
class PlainResponse {
  readonly text: string;
  readonly init: { readonly status: number; readonly headers: Readonly<Record<string, string>> };

  constructor(text: string, init: PlainResponse["init"]) {
    this.text = text;
    this.init = init;
  }
}

/** Whether yoga would find nothing to respect, and nothing to leave out. */
function isPlain({ errors, extensions }: ExecutionResult): boolean {
  return errors === undefined && extensions === undefined;
}

const PLAIN_INITS: Readonly<Record<JsonType, PlainResponse["init"]>> = {
  "application/json": { status: 200, headers: { "Content-Type": "application/json; charset=utf-8" } },
  "application/graphql-response+json": {
    status: 200,
    headers: { "Content-Type": "application/graphql-response+json; charset=utf-8" },
  },
};

const PLAIN_API = { Response: PlainResponse } as unknown as FetchAPI;

function send(
  request: IncomingMessage,
  response: ServerResponse,
  result: ExecutionResult,
  type: JsonType,
): void {
  const { text, init } = isPlain(result)
    ? new PlainResponse(JSON.stringify(result), PLAIN_INITS[type])
    : (processRegularResult(result, PLAIN_API, type) as unknown as PlainResponse);
  const byteLength = Buffer.byteLength(text);
  compressIfLong(request, response, byteLength);
  response.writeHead(init.status, { ...init.headers, "content-length": byteLength });
  response.end(text);
}

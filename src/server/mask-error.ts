import type { ExecutionResult, GraphQLError } from "graphql";
import { Kind } from "graphql";
import type { Plugin } from "graphql-yoga";
import { createGraphQLError } from "graphql-yoga";
import type { Viewer } from "../core/access/viewer.ts";
import type { AppError } from "../kernel/app-error.ts";
import { isAppError } from "../kernel/app-error.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { Logger } from "../kernel/logger.ts";
import type { RequestCode } from "./request-codes.ts";
import type { IdentifiedRequest } from "./request-id.ts";
import { requestIdOf } from "./request-id.ts";

/** The message that replaces an unexpected error. */
const MASK = "Unexpected error.";

/** The status, and the scheme that the caller should use: RFC 6750. */
const UNAUTHENTICATED_HTTP = { status: 401, headers: { "www-authenticate": "Bearer" } };
/** Who asked for what failed: a part of the operation's context. */
export interface Asker {
  /** The HTTP request. */
  readonly request?: IdentifiedRequest;
  /** In its place over WebSocket: one for each operation. */
  readonly socketOperation?: IdentifiedRequest;
  readonly viewer?: Viewer;
}

/** Turns any error into one that the caller may read. Idempotent. */
export type MaskError = (error: unknown, asker?: Asker) => GraphQLError;

/**
 * Masks errors on HTTP, SSE and WebSocket. GraphQL's own errors pass, with a code. An {@link AppError} keeps its message, and
 * its code and details become extensions. Any other error is masked, and logged once; the answer has the request id that the
 * log line has.
 */
export function createErrorMask(logger: Logger): MaskError {
  /** The request ids of the lines, by what they are about. */
  const logged = new WeakMap<object, string>();
  const log = (fault: unknown, { request, socketOperation, viewer }: Asker): string => {
    const key = typeof fault === "object" && fault !== null ? fault : {};
    const known = logged.get(key);
    if (known !== undefined) {
      return known;
    }
    const requestId = requestIdOf(request ?? socketOperation ?? { headers: new Headers() });
    logged.set(key, requestId);
    if (!isAbort(fault)) {
      const viewerId = viewer === undefined ? {} : { viewerId: viewer.id };
      logger.error({ err: fault, requestId, ...viewerId }, "an operation failed unexpectedly");
    }
    return requestId;
  };
  return (error, asker = {}) => {
    const fault = faultOf(error);
    if (isGraphQLError(error) && (fault === undefined || isBadVariable(error))) {
      return withCode(error);
    }
    if (isAppError(fault) && fault.code !== "INTERNAL") {
      return expectedError(error, fault);
    }
    const requestId = log(fault, asker);
    return newError(error, MASK, { code: "INTERNAL" satisfies ErrorCode, requestId, unexpected: true });
  };
}

/** Masks the errors of executed operations where it is known who asked. Yoga's own masking finds nothing left to do then. */
export function maskWithAsker(maskError: MaskError): Plugin {
  const maskAll = ({ result, setResult, args }: Executed): void => {
    if ("errors" in result && result.errors !== undefined) {
      const asker = args.contextValue as Asker;
      setResult({ ...result, errors: result.errors.map((error) => maskError(error, asker)) });
    }
  };
  const whenExecuted = { onExecuteDone: (executed: unknown) => maskAll(executed as Executed) };
  return {
    onPluginInit({ registerContextErrorHandler }) {
      registerContextErrorHandler(({ error, context, setError }) => setError(maskError(error, context)));
    },
    onExecute: () => whenExecuted,
    onSubscribe: ({ args }) => ({
      onSubscribeResult: (executed) => maskAll(executed),
      onSubscribeError: ({ error, setError }) => setError(maskError(error, args.contextValue)),
    }),
  };
}

/** The part of the plugins' payload that is used; a result is a stream, too. */
interface Executed {
  readonly args: { readonly contextValue: unknown };
  readonly result: ExecutionResult | AsyncIterable<ExecutionResult>;
  setResult(result: ExecutionResult): void;
}

/** The original error; undefined if GraphQL itself reported the fault. */
function faultOf(error: unknown): unknown {
  let fault = error;
  while (isGraphQLError(fault)) {
    fault = fault.originalError;
  }
  return fault;
}

/** A variable's value that a scalar refused: the error's own message says why. */
function isBadVariable(error: GraphQLError): boolean {
  return (
    error.path === undefined && (error.nodes ?? []).some((node) => node.kind === Kind.VARIABLE_DEFINITION)
  );
}

function expectedError(error: unknown, fault: AppError): GraphQLError {
  const { code, details, message } = fault;
  // Makes the HTTP status 500 if nothing was executed: a client may try again.
  const unexpected = code === "UNAVAILABLE" ? { unexpected: true } : {};
  const http = code === "UNAUTHENTICATED" ? { http: UNAUTHENTICATED_HTTP } : {};
  return newError(error, message, { ...details, code, ...unexpected, ...http });
}

/** Without the original error, and with a code: GraphQL gives none to errors of syntax, and of the variables of a subscription. */
function withCode(error: GraphQLError): GraphQLError {
  const code: RequestCode = error.message.startsWith("Syntax Error")
    ? "GRAPHQL_PARSE_FAILED"
    : "BAD_USER_INPUT";
  return error.originalError === undefined && error.extensions["code"] !== undefined
    ? error
    : newError(error, error.message, { code, ...error.extensions });
}

function newError(
  error: unknown,
  message: string,
  extensions: Readonly<Record<string, unknown>>,
): GraphQLError {
  const place: Partial<GraphQLError> = isGraphQLError(error) ? error : {};
  return createGraphQLError(message, {
    nodes: place.nodes ?? null,
    source: place.source ?? null,
    positions: place.positions ?? null,
    path: place.path ?? null,
    extensions: { ...extensions },
  });
}

/** Checked by name: the error may come from another copy of the graphql package. */
function isGraphQLError(error: unknown): error is GraphQLError {
  return error instanceof Error && error.name === "GraphQLError";
}

/** The caller left before the answer. */
function isAbort(fault: unknown): boolean {
  return fault instanceof Error && fault.name === "AbortError";
}

import type { GraphQLError } from "graphql";
import { Kind } from "graphql";
import { createGraphQLError } from "graphql-yoga";
import type { AppError } from "../kernel/app-error.ts";
import { isAppError } from "../kernel/app-error.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { Logger } from "../kernel/logger.ts";

/** The message that replaces an unexpected error. */
const MASK = "Unexpected error.";

/** The status, and the scheme that the caller should use: RFC 6750. */
const UNAUTHENTICATED_HTTP = { status: 401, headers: { "www-authenticate": "Bearer" } };

/** Turns any error into one that the caller may read. Idempotent. */
export type MaskError = (error: unknown) => GraphQLError;

/**
 * Masks errors on HTTP, SSE and WebSocket. GraphQL's own errors pass unchanged. An {@link AppError} keeps its message, and
 * its code and details become extensions. Any other error is masked, and logged once.
 */
export function createErrorMask(logger: Logger): MaskError {
  const logged = new WeakSet<object>();
  const log = (fault: unknown): void => {
    const key = typeof fault === "object" && fault !== null ? fault : {};
    if (!logged.has(key) && !isAbort(fault)) {
      logged.add(key);
      logger.error({ err: fault }, "an operation failed unexpectedly");
    }
  };
  return (error) => {
    const fault = faultOf(error);
    if (isGraphQLError(error) && (fault === undefined || isBadVariable(error))) {
      return withoutOriginal(error);
    }
    if (isAppError(fault) && fault.code !== "INTERNAL") {
      return expectedError(error, fault);
    }
    log(fault);
    return newError(error, MASK, { code: "INTERNAL" satisfies ErrorCode, unexpected: true });
  };
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

function withoutOriginal(error: GraphQLError): GraphQLError {
  return error.originalError === undefined ? error : newError(error, error.message, error.extensions);
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

import type { GraphQLError } from "graphql";
import { Kind } from "graphql";
import { createGraphQLError } from "graphql-yoga";
import type { AppError } from "../kernel/app-error.ts";
import { isAppError } from "../kernel/app-error.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import type { Logger } from "../kernel/logger.ts";

/** What callers read in place of an unexpected error. */
const MASK = "Unexpected error.";

/** Turns whatever was thrown into what a caller may read. Idempotent. */
export type MaskError = (error: unknown) => GraphQLError;

/**
 * One mask for HTTP, SSE and WebSocket. GraphQL's own errors pass; an {@link AppError} keeps its message and gets
 * its code and details as extensions; anything else is logged, once however often it comes by, and masked.
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

/** What was thrown in the first place; undefined when GraphQL itself found the fault. */
function faultOf(error: unknown): unknown {
  let fault = error;
  while (isGraphQLError(fault)) {
    fault = fault.originalError;
  }
  return fault;
}

/** A value that a scalar refused: the variable's error names it and says why. */
function isBadVariable(error: GraphQLError): boolean {
  return (
    error.path === undefined && (error.nodes ?? []).some((node) => node.kind === Kind.VARIABLE_DEFINITION)
  );
}

function expectedError(error: unknown, fault: AppError): GraphQLError {
  const { code, details, message } = fault;
  // Where nothing was executed, the HTTP status tells that it may be worth another try.
  const unexpected = code === "UNAVAILABLE" ? { unexpected: true } : {};
  return newError(error, message, { ...details, code, ...unexpected });
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

/** By name: an error may come from another copy of the graphql package, such as its other module format. */
function isGraphQLError(error: unknown): error is GraphQLError {
  return error instanceof Error && error.name === "GraphQLError";
}

/** The caller left; nobody is at fault, and nobody reads the answer. */
function isAbort(fault: unknown): boolean {
  return fault instanceof Error && fault.name === "AbortError";
}

import type { GraphQLError } from "graphql";
import type { GraphQLParams as YogaParams } from "graphql-yoga";
import { createGraphQLError } from "graphql-yoga";
import type { ErrorCode } from "../kernel/error-codes.ts";
import {
  MAX_NESTING,
  parseLongJson,
  PLAIN_JSON_LENGTH,
  SHORT_JSON_LENGTH,
  TextTooLarge,
} from "./long-json.ts";
import type { PersistedDocuments } from "./persisted-documents.ts";
import type { RequestCode } from "./request-codes.ts";

/** What a request asks for, checked. */
export type GraphQLParams = YogaParams & { readonly query: string };

/** Finds the document that a request names by its hash; see PersistedDocuments. */
type TextOf = PersistedDocuments["textOf"];

/**
 * Reads the parameters of a POST with JSON.
 * @param body the JSON text
 * @throws GraphQLError BAD_REQUEST
 */
export function paramsOfBody(body: string, textOf: TextOf): GraphQLParams | Promise<GraphQLParams> {
  return body.length > SHORT_JSON_LENGTH
    ? parseLong(body).then((data) => paramsOfJson(data, textOf))
    : paramsOfJson(parseJson(body), textOf);
}

function paramsOfJson(data: unknown, textOf: TextOf): GraphQLParams {
  if (Array.isArray(data)) {
    throw badRequest("Batching is not supported: send one operation per request.");
  }
  if (typeof data !== "object" || data === null) {
    throw badRequest("The body must be a JSON object with the member `query`.");
  }
  return check(textOf(data), data as Readonly<Record<string, unknown>>);
}

/** Reads the parameters of a POST whose body is the document itself. */
export function paramsOfText(query: string): GraphQLParams {
  return check(query, {});
}

/** Reads the parameters of a GET. @param url with the query string */
export function paramsOfUrl(url: string, textOf: TextOf): GraphQLParams {
  const [, search = ""] = url.split("?", 2);
  const parameters = new URLSearchParams(search);
  const data = {
    query: parameters.get("query") ?? undefined,
    documentId: parameters.get("documentId") ?? undefined,
    operationName: parameters.get("operationName") ?? undefined,
    variables: parseParameter(parameters.get("variables")),
    extensions: parseParameter(parameters.get("extensions")),
  };
  return check(textOf(data), data);
}

function parseParameter(text: string | null): unknown {
  try {
    return text === null || text === "" ? undefined : JSON.parse(text);
  } catch {
    throw badRequest("The URL's parameters `variables` and `extensions` must be JSON.");
  }
}

/** The checks of GraphQL over HTTP, as its reference implementation graphql-http makes them. */
function check(
  query: unknown,
  { variables, operationName, extensions }: Readonly<Record<string, unknown>>,
): GraphQLParams {
  if (query === undefined || query === null) {
    throw badRequest("Send a GraphQL document as `query`.");
  }
  if (typeof query !== "string") {
    throw badRequest("`query` must be a text.");
  }
  if (!isObjectIfGiven(variables)) {
    throw badRequest("`variables` must be a JSON object.");
  }
  if (operationName !== undefined && operationName !== null && typeof operationName !== "string") {
    throw badRequest("`operationName` must be a text.");
  }
  if (!isObjectIfGiven(extensions)) {
    throw badRequest("`extensions` must be a JSON object.");
  }
  return { query, variables, operationName, extensions } as GraphQLParams;
}

function isObjectIfGiven(value: unknown): boolean {
  return value === undefined || (typeof value === "object" && !Array.isArray(value));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest("The body is not valid JSON.");
  }
}

async function parseLong(text: string): Promise<unknown> {
  try {
    return await parseLongJson(text);
  } catch (error) {
    if (!(error instanceof TextTooLarge)) {
      throw badRequest("The body is not valid JSON.");
    }
    throw error.isTooLong
      ? limitExceeded(LONG_BODY, { http: { status: 413 }, max: PLAIN_JSON_LENGTH })
      : limitExceeded(NESTED_TOO_DEEPLY);
  }
}

/** The message for a long request that is not one of a bulk operation. */
export const LONG_BODY = `Only the lists of bulk operations may make a request longer than ${PLAIN_JSON_LENGTH} bytes. Send less; send a mutation with such a list as POST with application/json, or over WebSocket.`;

/** The message for variables with too many levels. */
export const NESTED_TOO_DEEPLY = `The variables are nested too deeply; ${MAX_NESTING} levels of lists and objects are allowed.`;

/** The error of a request that is too large. */
export function limitExceeded(
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): GraphQLError {
  return createGraphQLError(message, {
    extensions: { ...details, code: "LIMIT_EXCEEDED" satisfies ErrorCode },
  });
}

function badRequest(message: string): Error {
  return createGraphQLError(message, {
    extensions: { code: "BAD_REQUEST" satisfies RequestCode, http: { status: 400 } },
  });
}

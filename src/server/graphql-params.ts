import type { GraphQLError } from "graphql";
import { parseRequestParams } from "graphql-http";
import type { GraphQLParams as YogaParams } from "graphql-yoga";
import { createGraphQLError } from "graphql-yoga";
import type { ErrorCode } from "../kernel/error-codes.ts";
import { parseLongJson, PLAIN_JSON_LENGTH, TextTooLong } from "./long-json.ts";
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
export async function paramsOfBody(body: string, textOf: TextOf): Promise<GraphQLParams> {
  const data = await parseJson(body);
  if (Array.isArray(data)) {
    throw badRequest("Batching is not supported: send one operation per request.");
  }
  if (typeof data !== "object" || data === null) {
    throw badRequest("The body must be a JSON object with the member `query`.");
  }
  return check({ method: "POST", url: "", body: { ...data, query: textOf(data) } });
}

/** Reads the parameters of a POST whose body is the document itself. */
export function paramsOfText(query: string): Promise<GraphQLParams> {
  return check({ method: "POST", url: "", body: { query } });
}

/** Reads the parameters of a GET. @param url with the query string */
export async function paramsOfUrl(url: string, textOf: TextOf): Promise<GraphQLParams> {
  return check({ method: "GET", url: namesByHash(url) ? withText(url, textOf) : url, body: null });
}

function namesByHash(url: string): boolean {
  return url.includes("extensions=") || url.includes("documentId=");
}

/** The same URL with the text of the document that it names. */
function withText(url: string, textOf: TextOf): string {
  const parameters = new URLSearchParams(url.slice(url.indexOf("?") + 1));
  const extensions = parameters.get("extensions");
  const query = textOf({
    query: parameters.get("query") ?? undefined,
    documentId: parameters.get("documentId") ?? undefined,
    extensions: extensions === null ? undefined : parseExtensions(extensions),
  });
  if (typeof query === "string") {
    parameters.set("query", query);
  }
  return `?${parameters}`;
}

/** @returns undefined for a text that is no JSON: the check refuses it */
function parseExtensions(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The reference implementation's check. Its messages are short; ours say what would be right. */
async function check(request: {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>> | null;
}): Promise<GraphQLParams> {
  try {
    const headers = { "content-type": "application/json" };
    // It never refuses the method or the content type: they are known ones.
    return (await parseRequestParams({
      ...request,
      headers,
      raw: undefined,
      context: undefined,
    })) as unknown as GraphQLParams;
  } catch (error) {
    const { message } = error as Error;
    throw badRequest(MESSAGES[message] ?? `${message}.`);
  }
}

const MESSAGES: Readonly<Record<string, string>> = {
  "Unparsable URL": "The URL's parameters `variables` and `extensions` must be JSON.",
  "Missing query": "Send a GraphQL document as `query`.",
  "Invalid query": "`query` must be a text.",
  "Invalid variables": "`variables` must be a JSON object.",
  "Invalid operationName": "`operationName` must be a text.",
  "Invalid extensions": "`extensions` must be a JSON object.",
};

async function parseJson(text: string): Promise<unknown> {
  try {
    return text.length > PLAIN_JSON_LENGTH ? await parseLongJson(text) : JSON.parse(text);
  } catch (error) {
    throw error instanceof TextTooLong
      ? limitExceeded(LONG_BODY, { http: { status: 413 }, max: PLAIN_JSON_LENGTH })
      : badRequest("The body is not valid JSON.");
  }
}

/** The message for a long request that is not one of a bulk operation. */
export const LONG_BODY = `Only the lists of bulk operations may make a request longer than ${PLAIN_JSON_LENGTH} bytes. Send less; send a mutation with such a list as POST with application/json, or over WebSocket.`;

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

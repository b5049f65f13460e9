import { parseRequestParams } from "graphql-http";
import type { GraphQLParams as YogaParams } from "graphql-yoga";
import { createGraphQLError } from "graphql-yoga";

/** What a request asks for, checked. */
export type GraphQLParams = YogaParams & { readonly query: string };

/**
 * Reads the parameters of a POST with JSON.
 * @param body the JSON text
 * @throws GraphQLError BAD_REQUEST
 */
export async function paramsOfBody(body: string): Promise<GraphQLParams> {
  const data = parseJson(body);
  if (Array.isArray(data)) {
    throw badRequest("Batching is not supported: send one operation per request.");
  }
  if (typeof data !== "object" || data === null) {
    throw badRequest("The body must be a JSON object with the member `query`.");
  }
  return check({ method: "POST", url: "", body: data as Readonly<Record<string, unknown>> });
}

/** Reads the parameters of a GET. @param url with the query string */
export function paramsOfUrl(url: string): Promise<GraphQLParams> {
  return check({ method: "GET", url, body: null });
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest("The body is not valid JSON.");
  }
}

function badRequest(message: string): Error {
  return createGraphQLError(message, { extensions: { code: "BAD_REQUEST", http: { status: 400 } } });
}

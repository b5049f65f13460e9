/** The content types of an answer that is one JSON text. */
export type JsonType = "application/json" | "application/graphql-response+json";

/** What a request's Accept header allows. */
export interface Acceptance {
  /** The first JSON type in the header; `application/json` for one with `*`. Undefined: the client takes no JSON. */
  readonly json: JsonType | undefined;
  readonly takesEventStream: boolean;
  readonly takesMultipart: boolean;
}

/** Most clients send one of a few headers. */
const known = new Map<string, Acceptance>();
const MAX_KNOWN = 100;

/**
 * Reads an Accept header. Weights (`q=`) do not count, as in yoga and graphql-http; only UTF-8 does.
 * @param accept default: everything
 */
export function acceptanceOf(accept = "*/*"): Acceptance {
  let acceptance = known.get(accept);
  if (acceptance === undefined) {
    acceptance = readAcceptance(accept);
    if (known.size < MAX_KNOWN && accept.length < 300) {
      known.set(accept, acceptance);
    }
  }
  return acceptance;
}

function readAcceptance(accept: string): Acceptance {
  const types = accept
    .replaceAll(/\s/g, "")
    .toLowerCase()
    .split(",")
    .map((range) => range.split(";"))
    .filter(([, ...parameters]) => parameters.every(isUtf8))
    .map(([type = ""]) => type);
  const json = types.map((type) => JSON_TYPES.get(type)).find((type) => type !== undefined);
  return {
    json,
    takesEventStream: types.some((type) => ["text/event-stream", "text/*", "*/*"].includes(type)),
    takesMultipart: types.some((type) => ["multipart/mixed", "multipart/*", "*/*"].includes(type)),
  };
}

const JSON_TYPES: ReadonlyMap<string, JsonType> = new Map<string, JsonType>([
  ["application/json", "application/json"],
  ["application/graphql-response+json", "application/graphql-response+json"],
  ["application/*", "application/json"],
  ["*/*", "application/json"],
]);

function isUtf8(parameter: string): boolean {
  return !parameter.startsWith("charset=") || parameter === "charset=utf-8";
}

/** Content types of GraphQL requests. A browser sends a preflight before it sends one of these to another origin. */
const REQUEST_TYPES = /^application\/(json|graphql\+json|graphql)\s*(;|$)/i;

/** Why a request cannot be answered, whatever it asks for. */
export interface TypeRefusal {
  readonly status: 406 | 415;
  readonly message: string;
  /** The types that would do, for the header Accept. */
  readonly accept: string;
}

/** @returns undefined if both the body's type and the types that the client takes are known ones */
export function refuseTypes(request: {
  readonly method: string | undefined;
  readonly contentType: string | undefined;
  readonly accept: string | undefined;
}): TypeRefusal | undefined {
  const { method, contentType = "" } = request;
  if (method === "POST" && !REQUEST_TYPES.test(contentType)) {
    return {
      status: 415,
      message:
        "Send the content type application/json; application/graphql+json and application/graphql are taken, too.",
      accept: "application/json, application/graphql+json, application/graphql",
    };
  }
  const { json, takesEventStream, takesMultipart } = acceptanceOf(request.accept);
  return json === undefined && !takesEventStream && !takesMultipart ? UNACCEPTABLE : undefined;
}

const UNACCEPTABLE: TypeRefusal = {
  status: 406,
  message:
    "Answers are application/json, application/graphql-response+json, text/event-stream or multipart/mixed, in UTF-8; the Accept header allows none of them.",
  accept: "application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
};

/** For a subscription of a client that takes no event stream. */
export const EVENTS_UNACCEPTABLE: TypeRefusal = {
  status: 406,
  message:
    "A subscription is answered with an event stream: accept text/event-stream, or subscribe over WebSocket.",
  accept: "text/event-stream",
};

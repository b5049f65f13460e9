/**
 * The codes of GraphQL itself and of its protocols. They stand for requests that are not executed, so they are no members of
 * the schema's `ErrorCode`. `docs/errors.md` documents each of them; a test keeps the two in step.
 */
export const REQUEST_CODES = {
  GRAPHQL_PARSE_FAILED: "The document is not GraphQL.",
  GRAPHQL_VALIDATION_FAILED: "The document does not fit the schema.",
  BAD_USER_INPUT: "A variable's or an argument's value is not of its type, or is missing.",
  OPERATION_RESOLUTION_FAILURE:
    "The document has no operation of that name, or several and no name was given.",
  BAD_REQUEST: "The request does not have the form of a GraphQL request.",
  PERSISTED_QUERY_NOT_FOUND: "The service does not know a document with that hash.",
  PERSISTED_QUERY_NOT_SUPPORTED: "The service takes no documents by hash.",
  PERSISTED_QUERY_ONLY: "The service executes only the documents that it has.",
} as const satisfies Record<string, string>;

/** One of the codes above. */
export type RequestCode = keyof typeof REQUEST_CODES;

/** The codes that the service closes WebSockets with. `docs/errors.md` documents each of them, too. */
export const CLOSE_CODES = {
  1001: "The service is stopping.",
  1002: "A frame breaks the protocol of WebSockets.",
  1007: "A message is not UTF-8.",
  1008: "A message comes in too many fragments.",
  1009: "A message is too large.",
  1013: "All clients together send more than the service takes at a time.",
  4400: "A message breaks the protocol graphql-transport-ws.",
  4401: "An operation came before the connection was acknowledged.",
  4403: "The caller is refused.",
  4406: "The client does not offer the subprotocol graphql-transport-ws.",
  4408: "connection_init did not come in time.",
  4409: "An operation with that id is running.",
  4429: "connection_init came twice.",
  4500: "A fault of the service.",
} as const satisfies Record<number, string>;

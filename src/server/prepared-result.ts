import type { ExecutionResult, FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from "graphql";

/** A symbol, so that copies of the result keep it, and JSON does not show it. */
const PREPARED = Symbol("prepared");

/** The result of an event in the forms in which it is sent, each made once for all its receivers. */
export interface PreparedResult {
  /** The result as JSON. */
  readonly json: Buffer;
  /** The result as a server-sent event. */
  readonly eventText: Buffer;
}

/** The result, with what {@link preparedOf} finds. Its errors must be masked. */
export function prepareResult(result: ExecutionResult, id: string | undefined): ExecutionResult {
  return Object.assign({ ...result }, { [PREPARED]: formsOf(result, id) });
}

/** @param id of the server-sent event */
export function formsOf(result: ExecutionResult, id: string | undefined): PreparedResult {
  const json = Buffer.from(JSON.stringify(publicResult(result)));
  let eventText: Buffer | undefined;
  return {
    json,
    get eventText() {
      const idLine = id === undefined ? "" : `id: ${id}\n`;
      eventText ??= Buffer.concat([Buffer.from(`${idLine}event: next\ndata: `), json, Buffer.from("\n\n")]);
      return eventText;
    },
  };
}

/** The forms of a result that {@link prepareResult} made; undefined for any other. */
export function preparedOf(result: object): PreparedResult | undefined {
  return (result as { readonly [PREPARED]?: PreparedResult })[PREPARED];
}

/** The result without the extensions of its errors that are for HTTP responses. */
export function publicResult({ errors, ...result }: ExecutionResult): FormattedExecutionResult {
  return { ...result, ...(errors && { errors: errors.map(publicError) }) };
}

/** Without the extensions that are for HTTP responses. */
export function publicError(error: GraphQLError | GraphQLFormattedError): GraphQLFormattedError {
  const formatted = "toJSON" in error ? error.toJSON() : error;
  const { http: _http, unexpected: _unexpected, ...extensions } = formatted.extensions ?? {};
  return { ...formatted, extensions };
}

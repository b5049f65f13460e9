// The service: operations over HTTP, subscriptions over one WebSocket, all typed by their documents.
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import type { GraphQLFormattedError } from "graphql";
import { print } from "graphql";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";

export const url = `${process.env.POWERCRUD_URL ?? "http://127.0.0.1:4000"}/graphql`;
const key = process.env.POWERCRUD_API_KEY;
export const credentials: Record<string, string> =
  key === undefined ? {} : { authorization: `Bearer ${key}` };

/** After a lost connection it connects again, and subscribes again: without `shouldRetry`, not where the service is down. */
const socket = createClient({
  url: url.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  connectionParams: credentials,
  retryAttempts: Infinity,
  shouldRetry: () => true,
});

/** An error that is nobody's expected outcome: branch on its code. */
export class ServiceError extends Error {
  readonly code: unknown;

  constructor([error]: readonly GraphQLFormattedError[]) {
    super(error?.message);
    this.code = error?.extensions?.code;
  }
}

/** Runs a query or a mutation. @throws ServiceError; TypeError where the service cannot be reached */
export async function request<Data, Variables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const response = await fetch(url, {
    method: "POST",
    headers: { ...credentials, "content-type": "application/json" },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const { data, errors } = (await response.json()) as {
    data: Data;
    errors?: readonly GraphQLFormattedError[];
  };
  if (errors !== undefined) {
    throw new ServiceError(errors);
  }
  return data;
}

/** What the clients of graphql-ws and graphql-sse have alike. */
interface Subscriptions {
  iterate<Data>(operation: { query: string; variables: Record<string, unknown> }): AsyncIterable<{
    readonly data?: Data | null;
    readonly errors?: readonly GraphQLFormattedError[];
  }>;
}

/** Subscribes until the service says that nothing more will come. @throws ServiceError */
export async function* subscribe<Data, Variables extends Record<string, unknown>>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  client: Subscriptions = socket,
): AsyncGenerator<Data, void> {
  for await (const { data, errors } of client.iterate<Data>({ query: print(document), variables })) {
    if (errors !== undefined) {
      throw new ServiceError(errors);
    }
    if (data) {
      yield data;
    }
  }
}

export const close = () => socket.dispose();

import { createClient } from "graphql-ws";
import { WebSocket } from "ws";

/** A client of a running service, as an outsider would write one. */
export interface TestClient {
  /** The data of one operation over HTTP. @throws when the answer has errors */
  request<T>(query: string, variables?: Record<string, unknown>): Promise<T>;
  /** The results of a subscription over WebSocket, until it ends. */
  subscribe<T>(query: string, variables?: Record<string, unknown>): AsyncGenerator<T, void>;
  close(): Promise<void>;
}

/** @param key an API key. Default: none is sent */
export function createTestClient(url: string, key?: string): TestClient {
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const socket = createClient({
    url: `${url.replace(/^http/, "ws")}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: authorization,
  });
  return {
    async request<T>(query: string, variables: Record<string, unknown> = {}): Promise<T> {
      const response = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", ...authorization },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
      if (errors !== undefined) {
        throw new Error(`${response.status} ${JSON.stringify(errors)}`);
      }
      return data;
    },
    async *subscribe<T>(query: string, variables: Record<string, unknown> = {}) {
      for await (const { data, errors } of socket.iterate<T>({ query, variables })) {
        if (errors !== undefined) {
          throw new Error(JSON.stringify(errors));
        }
        if (data !== null && data !== undefined) {
          yield data;
        }
      }
    },
    close: async () => socket.dispose(),
  };
}

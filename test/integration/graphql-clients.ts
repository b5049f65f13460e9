import type { Client, ClientOptions, SubscribePayload } from "graphql-ws";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";

/** A result as a client reads it. */
export interface ClientResult {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions?: Readonly<Record<string, unknown>>;
  }[];
}

/** Results as they arrive; `return` unsubscribes. */
export type ClientResults = AsyncIterableIterator<ClientResult>;

/** A graphql-ws client that gives up when its connection is closed. */
export function socketClient(url: string, options: Partial<ClientOptions> = {}): Client {
  return createClient({
    url: `${url.replace("http", "ws")}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    ...options,
  });
}

/** A subscription over WebSocket. */
export function overSocket(client: Client, payload: SubscribePayload): ClientResults {
  return client.iterate(payload) as ClientResults;
}

/** A subscription as server-sent events. Its response arrives before the first result. */
export async function overSse(
  url: string,
  payload: SubscribePayload,
  method: "GET" | "POST" = "POST",
  more: Readonly<Record<string, string>> = {},
): Promise<ClientResults> {
  const controller = new AbortController();
  const { signal } = controller;
  const headers = { accept: "text/event-stream", "content-type": "application/json", ...more };
  const response =
    method === "GET"
      ? await fetch(`${url}/graphql?${queryString(payload)}`, { headers, signal })
      : await fetch(`${url}/graphql`, { method: "POST", headers, body: JSON.stringify(payload), signal });
  const results = readEvents(response);
  const finish = results.return.bind(results);
  return Object.assign(results, {
    return() {
      // Closes the connection first: the stream's own end would wait for more.
      controller.abort();
      return finish(undefined).catch(() => ({ done: true as const, value: undefined }));
    },
  });
}

function queryString({ query, variables = {} }: SubscribePayload): string {
  return new URLSearchParams({ query, variables: JSON.stringify(variables) }).toString();
}

async function* readEvents(response: Response): AsyncGenerator<ClientResult, undefined> {
  let text = "";
  for await (const bytes of response.body ?? []) {
    text += Buffer.from(bytes).toString();
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (event.startsWith("event: complete")) {
        return;
      }
      if (data !== undefined) {
        yield JSON.parse(data) as ClientResult;
      }
    }
  }
  throw new Error("the connection was closed before the stream was complete");
}

// Where WebSockets do not get through: subscriptions over Server-Sent Events, by `subscribe(document, variables, events)`.
import { createClient } from "graphql-sse";
import { credentials, url } from "./service.ts";

export const events = createClient({
  url,
  headers: credentials,
  retryAttempts: Infinity,
  // A broken connection is opened again after a second.
  retry: () => new Promise((resolve) => setTimeout(resolve, 1000)),
  // A refusal is a result: a second later it would be the same.
  async fetchFn(input: string, init: RequestInit) {
    const response = await fetch(input, init);
    if (response.status < 400 || response.status >= 500) return response;
    const [errors] = /\{"errors".*\}/.exec(await response.text()) ?? [];
    return new Response(`event: next\ndata: ${errors}\n\nevent: complete\ndata:\n\n`);
  },
});

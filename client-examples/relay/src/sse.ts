import { createClient } from "graphql-sse";
import type { SubscribeFunction } from "relay-runtime";
import { Observable } from "relay-runtime";

export const events = createClient({
  url: "http://127.0.0.1:4000/graphql",
  retryAttempts: Infinity,
  // A broken connection is opened again after a second.
  retry: () => new Promise((resolve) => setTimeout(resolve, 1000)),
  // A refusal is a result: a second later it would be the same.
  async fetchFn(url: string, init: RequestInit) {
    const response = await fetch(url, init);
    if (response.status < 400 || response.status >= 500) return response;
    const [errors] = /\{"errors".*\}/.exec(await response.text()) ?? [];
    return new Response(`event: next\ndata: ${errors}\n\nevent: complete\ndata:\n\n`);
  },
});

/** Subscriptions over Server-Sent Events: the second argument of `Network.create`, in the place of the socket's. */
export const subscribe: SubscribeFunction = ({ text }, variables) =>
  Observable.create((sink) => events.subscribe({ query: text ?? "", variables }, sink as never));

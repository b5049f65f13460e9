import { createClient } from "graphql-ws";
import { Environment, Network, Observable, RecordSource, Store } from "relay-runtime";

// After a lost connection it connects again, and subscribes again: without `shouldRetry`, not where the service is down.
export const socket = createClient({
  url: "ws://127.0.0.1:4000/graphql",
  retryAttempts: Infinity,
  shouldRetry: () => true,
});

export const environment = new Environment({
  network: Network.create(
    async ({ text }, variables) => {
      const response = await fetch("http://127.0.0.1:4000/graphql", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: text, variables }),
      });
      return response.json();
    },
    ({ text }, variables) =>
      Observable.create((sink) => socket.subscribe({ query: text ?? "", variables }, sink as never)),
  ),
  store: new Store(new RecordSource()),
});

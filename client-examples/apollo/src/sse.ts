import { ApolloLink, Observable } from "@apollo/client";
import { print } from "graphql";

const URL = "http://127.0.0.1:4000/graphql";

/** The events of a stream, as texts. */
async function* eventsOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    const events = (text + step.value).split("\n\n");
    text = events.pop() ?? "";
    yield* events;
  }
}

/** Subscriptions over Server-Sent Events. A broken connection is opened again after a second. */
export const sse = new ApolloLink(({ query, variables, operationName }) => {
  const body = JSON.stringify({ query: print(query), variables, operationName });
  return new Observable((observer) => {
    const controller = new AbortController();
    const { signal } = controller;
    const headers: Record<string, string> = {
      accept: "text/event-stream",
      "content-type": "application/json",
    };
    /** Resolves with true at the end of the subscription, with false where the connection breaks. */
    async function read(): Promise<boolean> {
      const response = await fetch(URL, { method: "POST", headers, body, signal });
      // The end came while the connection was broken.
      if (response.status === 204) return true;
      if (response.status >= 400 && response.status < 500) {
        observer.error(new Error(await response.text()));
        controller.abort();
      }
      for await (const event of eventsOf(response.body!)) {
        if (event.startsWith("event: complete")) return true;
        const id = /^id: (.*)$/m.exec(event)?.[1];
        const data = /^data: (.+)$/m.exec(event)?.[1];
        if (id !== undefined) headers["last-event-id"] = id;
        if (data !== undefined) observer.next(JSON.parse(data));
      }
      return false;
    }
    void (async () => {
      while (!signal.aborted) {
        if (await read().catch(() => false)) return observer.complete();
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    })();
    return () => controller.abort();
  });
});

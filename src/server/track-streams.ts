import type { ServerResponse } from "node:http";
import type { Plugin } from "graphql-yoga";
import type { Caller } from "./callers/caller.ts";
import type { CallerGuard } from "./callers/caller-guard.ts";
import { requestOf } from "./callers/caller-guard.ts";
import type { ServedContext } from "./callers/limit-scopes.ts";
import type { Asker, MaskError } from "./mask-error.ts";

/** The event streams that are open. */
export interface StreamTracker {
  readonly plugin: Plugin;
  /**
   * @param stream what stood for the stream in its context
   * @returns the response, with a body that can be broken off if it is an event stream
   */
  track(response: Response, stream: object): Response;
  /**
   * Breaks off those that are open, and those that open later, without `complete`: that would look like the end of a task,
   * and clients would not come back.
   */
  breakOff(): void;
}

/** What stands for an event stream in its context: node's response, or an object in its place. */
export interface StreamHolder {
  readonly res: ServerResponse;
  readonly stream: object;
}

const STOPPING = new Error("The service is stopping. Subscribe again.");
const ENDED = new Error("The credential has ended. Get a new one, and subscribe again.");

type StreamContext = ServedContext & Partial<StreamHolder> & Asker;

/** What a subscription over HTTP has, before its response is there. */
interface Subscription {
  readonly caller: Caller;
  /** Gives back its place among the viewer's connections. */
  readonly leave: () => void;
}

/**
 * Tracks the responses that are event streams. When one is broken off, yoga ends its source, as when a client leaves. That
 * happens when the service stops, and when the caller's credential ends. Those of a viewer are limited in number.
 */
export function trackStreams(guard: CallerGuard, maskError: MaskError): StreamTracker {
  const open = new Map<OpenStream, () => void>();
  const subscriptions = new WeakMap<object, Subscription>();
  let isStopping = false;
  const add = (stream: OpenStream, holder: object): void => {
    const { caller, leave } = subscriptions.get(holder) ?? {};
    if (isStopping) {
      leave?.();
      stream.destroy(STOPPING);
    } else {
      const unwatch = caller?.lifetime?.watch(() => stream.destroy(ENDED));
      open.set(stream, () => {
        unwatch?.();
        leave?.();
      });
    }
  };
  const remove = (stream: OpenStream): void => {
    open.get(stream)?.();
    open.delete(stream);
  };
  return {
    plugin: {
      onSubscribe({ args, setResultAndStopExecution }) {
        const asker = args.contextValue as unknown as StreamContext;
        const holder = asker.res ?? asker.stream;
        try {
          if (holder !== undefined) {
            subscriptions.set(holder, subscribe(guard, asker));
          }
        } catch (error) {
          setResultAndStopExecution({ errors: [maskError(error)] });
        }
      },
      onResponse({ response, serverContext }) {
        const { res } = serverContext as Partial<StreamHolder>;
        if (res !== undefined && isEventStream(response)) {
          const stream = { destroy: () => res.destroy() };
          add(stream, res);
          res.once("close", () => remove(stream));
        }
      },
    },
    track(response, holder) {
      if (response.body === null || !isEventStream(response)) {
        subscriptions.get(holder)?.leave();
        return response;
      }
      const { body, stream } = breakable(response.body, () => remove(stream));
      add(stream, holder);
      return new Response(body, response);
    },
    breakOff() {
      isStopping = true;
      for (const stream of open.keys()) {
        stream.destroy(STOPPING);
      }
    },
  };
}

/** @throws AppError LIMIT_EXCEEDED where the viewer has too many */
function subscribe(guard: CallerGuard, asker: StreamContext): Subscription {
  const { caller, res } = asker;
  const leave = guard.enter(caller, requestOf(asker));
  if (res?.closed === true) {
    leave();
  } else {
    res?.once("close", leave);
  }
  return { caller, leave };
}

/** A response that has not ended. */
interface OpenStream {
  /** Breaks it off, with the reason for a reader in this process. */
  destroy(reason: Error): unknown;
}

export function isEventStream({ headers }: { readonly headers: Headers }): boolean {
  return headers.get("content-type")?.startsWith("text/event-stream") === true;
}

/** The same body, and what breaks it off. Its source ends then, as when the reader leaves. */
function breakable(
  source: ReadableStream<Uint8Array>,
  onEnd: () => void,
): { readonly body: ReadableStream<Uint8Array>; readonly stream: OpenStream } {
  const reader = source.getReader();
  let breakOff = (_reason: Error): void => undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      breakOff = (reason) => {
        onEnd();
        controller.error(reason);
        reader.cancel().catch(() => undefined);
      };
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) {
        onEnd();
        controller.close();
      } else {
        controller.enqueue(value);
      }
    },
    async cancel(reason) {
      onEnd();
      await reader.cancel(reason);
    },
  });
  return { body, stream: { destroy: breakOff } };
}

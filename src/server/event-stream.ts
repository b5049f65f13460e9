import type { ExecutionResult } from "graphql";
import type { FetchAPI } from "graphql-yoga";
import type { PacedJobs } from "./paced-jobs.ts";
import { formsOf, preparedOf } from "./prepared-result.ts";

/** Time between two comments that keep a quiet connection open, in ms. */
const COMMENT_INTERVAL_MS = 12_000;

const encoder = new TextEncoder();
/** Some browsers show a stream only once something came. */
const COMMENT = encoder.encode(":\n\n");
const COMPLETE = encoder.encode("event: complete\ndata:\n\n");

/** Answers an `EventSource` so that it does not come back. */
export function sendNothingMore(_results: unknown, { Response }: FetchAPI): Response {
  return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
}

/** Answers with the results as server-sent events, with the ids that they were prepared with, and `complete`. */
export function sendEventStream(
  jobs: PacedJobs,
): (results: AsyncIterable<ExecutionResult>, fetchApi: FetchAPI) => Response {
  return (results, { ReadableStream, Response }) => {
    const source = results[Symbol.asyncIterator]();
    let timer: NodeJS.Timeout | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(COMMENT);
        timer = setInterval(() => {
          // Nothing waits for a client that does not read.
          if ((controller.desiredSize ?? 0) > 0) {
            controller.enqueue(COMMENT);
          }
        }, COMMENT_INTERVAL_MS);
      },
      async pull(controller) {
        try {
          const step = await source.next();
          if (step.done === true) {
            clearInterval(timer);
            controller.enqueue(COMPLETE);
            controller.close();
            return;
          }
          const { eventText } = preparedOf(step.value) ?? formsOf(step.value, undefined);
          await new Promise<void>((resolve) => {
            jobs.run(() => {
              enqueue(controller, eventText);
              resolve();
            });
          });
        } catch (error) {
          clearInterval(timer);
          controller.error(error);
        }
      },
      async cancel() {
        clearInterval(timer);
        await source.return?.();
      },
    });
    const headers = {
      "content-type": "text/event-stream",
      connection: "keep-alive",
      "cache-control": "no-cache",
      "content-encoding": "none",
    };
    return new Response(body, { status: 200, headers });
  };
}

/** The client may have left meanwhile. */
function enqueue(controller: ReadableStreamDefaultController<Uint8Array>, chunk: Uint8Array): void {
  try {
    controller.enqueue(chunk);
  } catch {
    // The stream is closed: nobody reads it.
  }
}

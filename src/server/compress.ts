import compression from "compression";
import type { IncomingMessage, ServerResponse } from "node:http";

/** Shorter answers are sent as they are: compressing them costs more than sending them. */
const MIN_BYTES = 4096;

const compressLong = compression({
  threshold: MIN_BYTES,
  // Only JSON, JSON lines and CSV: event streams must arrive at once, and pages are compressed already.
  filter: (_request, response) =>
    /^(?:application\/\S*json|text\/csv)/.test(String(response.getHeader("content-type"))),
});

/**
 * Compresses what is written to the response afterwards by br or gzip, if the client accepts one and the answer is JSON of
 * 4 KB or more, or of a length that is not known before.
 */
export function compressAnswer(request: IncomingMessage, response: ServerResponse): void {
  // The types are Express'; node's own messages have all that it uses.
  compressLong(request as never, response as never, () => undefined);
}

/** The same for an answer whose length is known: a short one costs only this comparison. */
export function compressIfLong(request: IncomingMessage, response: ServerResponse, byteLength: number): void {
  if (byteLength >= MIN_BYTES) {
    compressAnswer(request, response);
  }
}

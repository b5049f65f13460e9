import type { FileFormat } from "../core/files/file-reading.ts";
import type { Viewer } from "../core/access/viewer.ts";
import { isAppError } from "../kernel/app-error.ts";
import type { AuditEntry } from "../kernel/audit.ts";
import { admitCaller } from "./callers/admit-caller.ts";
import type { Caller } from "./callers/caller.ts";
import { headOf, sendAppError, sendRefusal, statusOf } from "./http-messages.ts";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Answers one request for a file; the origin policy has let it through. */
export type FileAnswer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Files of one sort. */
export interface FileRoute {
  /** Answers a request whose path is such a file's; undefined for any other path. */
  at(path: string): FileAnswer | undefined;
}

/** A file that somebody asks for. */
interface AskedFile extends Pick<AuditEntry, "model" | "taskId"> {
  /** What files these are, in words for the refusal of other methods. */
  readonly what: string;
  readonly action: "export" | "file";
}

/**
 * An answer for GET and HEAD. The caller is let in first, and told why there is no file as long as none has begun; that is
 * noted.
 */
export function fileAnswer(
  admission: Parameters<typeof admitCaller>[0],
  { what, ...noted }: AskedFile,
  send: (asker: Asker, request: IncomingMessage, response: ServerResponse) => Promise<void>,
): FileAnswer {
  return async (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      sendRefusal(response, 405, "VALIDATION_FAILED", `${what} are read with GET or HEAD.`);
      return;
    }
    let caller: Caller | undefined;
    try {
      caller = await admitCaller(admission, "read", request, response);
      const { viewer } = caller;
      await send({ viewer, signal: () => headOf(request, response).signal }, request, response);
    } catch (error) {
      if (response.headersSent) {
        throw error;
      }
      if (caller !== undefined) {
        const outcome = isAppError(error) ? error.code.toLowerCase() : "failed";
        admission.guard.noteFile(caller, headOf(request, response), { ...noted, outcome });
      }
      if (!isAppError(error) || error.code === "INTERNAL") {
        throw error;
      }
      sendAppError(response, error, caller === undefined ? undefined : statusOf(error.code));
    }
  };
}

/** Who asks for a file. */
export interface Asker {
  readonly viewer: Viewer;
  /** Says that the client has left. */
  readonly signal: () => AbortSignal;
}

/** The head of a file of records. */
export function fileHeaders(format: FileFormat, fileName: string): OutgoingHttpHeaders {
  return {
    "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/jsonl; charset=utf-8",
    "content-disposition": `attachment; filename="${fileName}"`,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
}

/**
 * Sends a file as fast as the client reads it, and reads it no further once the client has left. When it cannot be read to
 * its end, the connection is broken off, so that nobody takes a part for the whole.
 */
export async function sendChunks(
  chunks: AsyncIterable<string | Uint8Array>,
  response: ServerResponse,
): Promise<void> {
  try {
    await pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), response);
  } catch (error) {
    if (!hasReaderLeft(error)) {
      throw error;
    }
  }
}

/** Whether a stream failed because its client left; a store that fails throws an AppError. */
function hasReaderLeft(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ERR_STREAM_PREMATURE_CLOSE" || code === "ECONNRESET" || code === "EPIPE";
}

import type { FileExports, ExportRequest } from "../core/files/file-exports.ts";
import type { FileFormat, FileStyle } from "../core/files/file-reading.ts";
import type { Viewer } from "../core/access/viewer.ts";
import { AppError } from "../kernel/app-error.ts";
import type { Audit } from "../kernel/audit.ts";
import { nearestName } from "../kernel/nearest-name.ts";
import type { CallerGuard } from "./callers/caller-guard.ts";
import type { Callers } from "./callers/callers.ts";
import { compressAnswer } from "./compress.ts";
import type { Asker, FileRoute } from "./send-file.ts";
import { fileAnswer, fileHeaders, sendChunks } from "./send-file.ts";
import type { IncomingMessage, ServerResponse } from "node:http";

interface ExportsHandlerOptions {
  readonly exports: FileExports;
  readonly callers: Callers;
  readonly guard: CallerGuard;
  readonly audit: Audit;
  /** How long a client may take nothing of what waits for it, in ms. */
  readonly idleMs: number;
}

interface AskedFile {
  readonly model: string;
  readonly format: FileFormat;
}

/** Records as files: `/exports/City.csv?where=…`. HEAD reads no records. */
export function createExportsHandler(options: ExportsHandlerOptions): FileRoute {
  return {
    at(path) {
      const [, model, format] = /^\/exports\/([_0-9A-Za-z]+)\.(csv|jsonl)$/.exec(path) ?? [];
      return model === undefined
        ? undefined
        : fileAnswer(options, { what: "Exports", action: "export", model }, (asker, request, response) =>
            sendExport(options, { model, format: format as FileFormat }, asker, request, response),
          );
    },
  };
}

async function sendExport(
  options: ExportsHandlerOptions,
  asked: AskedFile,
  { viewer, signal }: Asker,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks = await openExport(options, viewer, asked, request, signal());
  options.audit({ action: "export", outcome: "opened", viewerId: viewer.id, model: asked.model });
  compressAnswer(request, response);
  response.writeHead(200, fileHeaders(asked.format, `${asked.model}.${asked.format}`));
  if (chunks === undefined) {
    response.end();
    return;
  }
  const watch = breakOffIdle(response, options.idleMs);
  try {
    await sendChunks(chunks, response);
  } finally {
    clearInterval(watch);
  }
}

/** @returns undefined for HEAD */
async function openExport(
  { exports }: ExportsHandlerOptions,
  viewer: Viewer,
  { model, format }: AskedFile,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const { areFormulasEscaped, ...query } = parseQuery(request.url ?? "");
  const reading = exports.plan(viewer, { model, ...query });
  const style: FileStyle = { format, areFormulasEscaped };
  return request.method === "HEAD" ? undefined : (await exports.open(reading, style, signal)).chunks;
}

const PARAMETERS = ["where", "orderBy", "search", "fields", "escapeFormulas"];

/** @throws AppError VALIDATION_FAILED for unknown and repeated parameters, and for values of another form */
function parseQuery(url: string): Omit<ExportRequest, "model"> & Pick<FileStyle, "areFormulasEscaped"> {
  const given = new URLSearchParams(url.split("?").slice(1).join("?"));
  for (const name of given.keys()) {
    if (!PARAMETERS.includes(name)) {
      throw refused(name, `There is no parameter "${name.slice(0, 100)}". ${adviceOn(name)}`);
    }
    if (given.getAll(name).length > 1) {
      throw refused(name, `${name} is given more than once.`);
    }
  }
  const flag = given.get("escapeFormulas") ?? "true";
  if (flag !== "true" && flag !== "false") {
    throw refused("escapeFormulas", "escapeFormulas must be true or false.");
  }
  const fields = given.get("fields");
  return {
    where: parseJson(given, "where"),
    orderBy: parseJson(given, "orderBy"),
    search: given.get("search") ?? undefined,
    fields: fields === null ? undefined : fields.split(",").map((field) => field.trim()),
    areFormulasEscaped: flag === "true",
  };
}

function adviceOn(name: string): string {
  const nearest = nearestName(name.slice(0, 100), PARAMETERS);
  return nearest === undefined ? `There are ${PARAMETERS.join(", ")}.` : `Did you mean ${nearest}?`;
}

function parseJson(given: URLSearchParams, name: string): unknown {
  const text = given.get(name);
  if (text === null) {
    return undefined;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const example = name === "where" ? '{"name":{"equals":"Paris"}}' : '{"name":"ASC"}';
    throw refused(name, `${name} must be JSON, such as ${example}.`);
  }
}

function refused(field: string, message: string): AppError {
  return new AppError("VALIDATION_FAILED", message, { details: { field } });
}

/** Breaks off the connection of a client that takes nothing for a while although there is something for it. */
function breakOffIdle(response: ServerResponse, idleMs: number): NodeJS.Timeout {
  let sent = -1;
  let since = Date.now();
  return setInterval(
    () => {
      const bytes = response.socket?.bytesWritten ?? 0;
      const pending = response.socket?.writableLength ?? 0;
      if (bytes !== sent || pending === 0) {
        sent = bytes;
        since = Date.now();
      } else if (Date.now() - since >= idleMs) {
        response.destroy();
      }
    },
    Math.ceil(idleMs / 4),
  ).unref();
}

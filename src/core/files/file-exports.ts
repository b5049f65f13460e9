import { AppError } from "../../kernel/app-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import { nearestName } from "../../kernel/nearest-name.ts";
import type { Viewer } from "../access/viewer.ts";
import type { ScopePorts } from "../filters/scope-filter.ts";
import type { Model } from "../records/model.ts";
import type { FileQuery, FileReading, FileStream, FileStyle, FileWriter } from "./file-reading.ts";
import { readingOf } from "./file-reading.ts";

/** What a caller asks for: a {@link FileQuery} in plain JSON. */
export interface ExportRequest extends Omit<FileQuery, "orderBy"> {
  /** The model's name in the API. */
  readonly model: string;
  readonly orderBy?: unknown;
}

/** Exports records to callers. */
export interface FileExports {
  /**
   * What the viewer may read of it.
   * @throws AppError NOT_FOUND for an unknown model; FORBIDDEN; VALIDATION_FAILED
   */
  plan(viewer: Viewer, request: ExportRequest): FileReading;
  /**
   * Begins a file for a client that reads it now.
   * @param signal says that the client has left
   * @throws AppError LIMIT_EXCEEDED while too many are being read, and when it takes too long; and as FileWriter does
   */
  open(reading: FileReading, style: FileStyle, signal: AbortSignal): Promise<FileStream>;
  /** Begins a file for a task, which has limits of its own. @throws AppError as FileWriter does */
  write: FileWriter["open"];
}

/** The ports and limits of {@link createFileExports}. */
export interface FileExportsOptions extends ScopePorts {
  readonly writer: FileWriter;
  readonly clock: Pick<Clock, "after">;
  /** Takes the arguments of a list from plain JSON. */
  readonly coerce: (
    model: Model,
    json: Pick<ExportRequest, "where" | "orderBy">,
  ) => Pick<FileQuery, "where" | "orderBy">;
  /** The most files that are read at a time. */
  readonly maxExports: number;
  /** The longest time of one, in ms. */
  readonly timeoutMs: number;
}

export function createFileExports(options: FileExportsOptions): FileExports {
  const { models, coerce, writer, maxExports } = options;
  let open = 0;
  return {
    plan(viewer, { model: name, ...request }) {
      const model = models.all().find(({ apiName }) => apiName === name);
      if (model === undefined) {
        throw unknownModel(name, models.all());
      }
      const { search, fields } = request;
      return readingOf(options, viewer, model, { search, fields, ...coerce(model, request) });
    },
    write: (reading, style, signal) => writer.open(reading, style, signal),
    async open(reading, style, signal) {
      if (open >= maxExports) {
        throw tooMany(maxExports);
      }
      open += 1;
      const limit = limitTime(options, signal, () => void (open -= 1));
      try {
        const stream = await writer.open(reading, style, limit.signal);
        return { ...stream, chunks: untilEnd(stream.chunks, limit.end) };
      } catch (error) {
        limit.end();
        throw error;
      }
    },
  };
}

async function* untilEnd(chunks: AsyncIterable<Uint8Array>, end: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } finally {
    end();
  }
}

/** A signal that also comes when the time is up. @param onEnd called once: when it comes, or at `end` */
function limitTime(
  { clock, timeoutMs }: Pick<FileExportsOptions, "clock" | "timeoutMs">,
  signal: AbortSignal,
  onEnd: () => void,
): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  let hasEnded = false;
  const end = (): void => {
    if (!hasEnded) {
      hasEnded = true;
      cancel();
      signal.removeEventListener("abort", onAbort);
      onEnd();
    }
  };
  const abort = (reason: unknown): void => {
    end();
    controller.abort(reason);
  };
  const onAbort = (): void => abort(signal.reason);
  const cancel = clock.after(timeoutMs, () => abort(tookTooLong(timeoutMs)));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) {
    onAbort();
  }
  return { signal: controller.signal, end };
}

function unknownModel(name: string, models: readonly Model[]): AppError {
  const nearest = nearestName(
    name.slice(0, 100),
    models.map(({ apiName }) => apiName),
  );
  const advice = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  return new AppError("NOT_FOUND", `There is no model "${name.slice(0, 100)}".${advice}`);
}

function tooMany(maxExports: number): AppError {
  return new AppError(
    "LIMIT_EXCEEDED",
    `At most ${maxExports} exports are read at a time. Try again later, or launch this one as a task: launchExport.`,
    { details: { maxExports, http: { headers: { "retry-after": "5" } } } },
  );
}

function tookTooLong(timeoutMs: number): AppError {
  return new AppError(
    "LIMIT_EXCEEDED",
    `The export took longer than ${timeoutMs} ms. Narrow the filter, or launch it as a task: launchExport.`,
    { details: { exportTimeoutMs: timeoutMs } },
  );
}

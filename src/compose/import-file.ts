import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ImportFormat } from "../core/imports/import-form.ts";
import type { ReceiveOutcome } from "../core/imports/import-ports.ts";
import type { Viewer } from "../core/access/viewer.ts";
import type { RecordProblem } from "../core/refusals/problems.ts";
import { problem } from "../core/refusals/problems.ts";
import type { LaunchOutcome } from "../core/tasks/launch/launch-outcome.ts";
import { nearestName } from "../kernel/nearest-name.ts";
import { readFailedRows } from "../server/failed-file.ts";
import { readImportParameters } from "../server/import-parameters.ts";
import type { PowerCrud } from "./create-powercrud.ts";

/** A file on this machine, and what to do with its rows. */
export interface FileImport {
  readonly file: string;
  /** As the API calls it. */
  readonly model: string;
  readonly viewer: Viewer;
  /** The parameters of `POST /imports/<Model>`, by their names. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void;
  /** Stops the upload; then nothing is changed. */
  readonly signal: AbortSignal;
}

/** What became of it. */
export type FileImported =
  | LaunchOutcome
  | ReceiveOutcome
  /** Nothing was opened. */
  | { readonly kind: "UNUSABLE"; readonly problems: readonly RecordProblem[] };

const FORMATS: Readonly<Record<string, ImportFormat>> = {
  csv: "CSV",
  tsv: "CSV",
  txt: "CSV",
  jsonl: "JSONL",
  ndjson: "JSONL",
};

/** Imports a file, as `POST /imports/<Model>` does. */
export async function importFile({ imports }: PowerCrud, given: FileImport): Promise<FileImported> {
  const { file, viewer, onProgress, signal } = given;
  const parameters = readImportParameters(new URLSearchParams(given.parameters));
  if ("problems" in parameters) {
    return { kind: "UNUSABLE", problems: parameters.problems };
  }
  const size = await stat(file).then(
    (stats) => (stats.isDirectory() ? undefined : stats.size),
    () => undefined,
  );
  const model = modelNamed(imports, given.model);
  const { form, format = FORMATS[file.split(".").at(-1)?.toLowerCase() ?? ""], options } = parameters.value;
  if (size === undefined || format === undefined || typeof model !== "string") {
    const words =
      size === undefined
        ? `${file} cannot be read.`
        : `${file} is neither .csv nor .jsonl; say which by the format.`;
    return { kind: "UNUSABLE", problems: [typeof model === "string" ? problem(words) : model] };
  }
  const opened = await imports.open({
    viewer,
    form: { ...form, model, format },
    fileName: basename(file),
    options,
  });
  if (opened.kind !== "LAUNCHED") {
    return opened;
  }
  const stream = createReadStream(file);
  // Read by the receiver; without a listener an error would end the process before that.
  stream.on("error", () => undefined);
  const stop = (): void => void stream.destroy(Object.assign(new Error("stopped"), { code: "ECONNRESET" }));
  signal.addEventListener("abort", stop, { once: true });
  const upload = {
    taskId: opened.task.id,
    viewer,
    bytes: watched(stream, () => onProgress({ done: stream.bytesRead, total: size })),
    countReceived: () => stream.bytesRead,
    stop,
  };
  try {
    return await (opened.isDuplicate ? imports.repeat(upload) : imports.receive(upload));
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** A listener for the stream's data would take what comes before the receiver reads. */
async function* watched(stream: AsyncIterable<Uint8Array>, onChunk: () => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    onChunk();
    yield chunk;
  }
}

/** Writes the rows that an import's task did not write to a file, to be mended. */
export async function writeFailedRows({ imports }: PowerCrud, taskId: string, file: string): Promise<void> {
  const origin = await imports.origin(taskId);
  const name = origin?.form.format === "JSONL" ? "failed.jsonl" : "failed.csv";
  await pipeline(Readable.from(readFailedRows(imports, taskId, name)), createWriteStream(file));
}

function modelNamed({ models }: PowerCrud["imports"], name: string): string | RecordProblem {
  const names = models.all().map(({ apiName }) => apiName);
  const found = models.all().find(({ apiName }) => apiName === name);
  const nearest = nearestName(name, names);
  const advice = nearest === undefined ? `Known are ${names.join(", ")}.` : `Did you mean ${nearest}?`;
  return found?.name ?? problem(`There is no model "${name.slice(0, 60)}". ${advice}`);
}

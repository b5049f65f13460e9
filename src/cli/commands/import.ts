import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { PowerCrud } from "../../compose/create-powercrud.ts";
import type { ReceiveOutcome } from "../../core/imports/import-ports.ts";
import { nearestName } from "../../kernel/nearest-name.ts";
import { readFailedRows } from "../../server/failed-file.ts";
import { readImportParameters } from "../../server/import-parameters.ts";
import type { AnswerOptions, LaunchOutcome } from "../answer-task.ts";
import { answerLaunch } from "../answer-task.ts";
import type { CliContext } from "../cli-context.ts";
import { showProgress } from "../show-progress.ts";
import { parseViewer, UsageError } from "../usage.ts";
import { withClient } from "../with-client.ts";

/** The options of `powercrud import`: those of `POST /imports/<Model>`, and how to answer. */
export interface ImportCommandOptions extends AnswerOptions {
  readonly model: string;
  /** Where to write the rows that were not written. With `follow`. */
  readonly failed?: string;
  /** JSON of a viewer. Default: an anonymous one. */
  readonly viewer?: string;
  /** By the names of the parameters of the HTTP address. */
  readonly parameters: Readonly<Record<string, string>>;
}

const FORMATS: Readonly<Record<string, "CSV" | "JSONL">> = {
  csv: "CSV",
  tsv: "CSV",
  txt: "CSV",
  jsonl: "JSONL",
  ndjson: "JSONL",
};

/** `powercrud import`: sends a file's rows as a task, and follows it if asked to. */
export async function importFile(
  context: CliContext,
  file: string,
  options: ImportCommandOptions,
): Promise<void> {
  const parameters = readImportParameters(new URLSearchParams(options.parameters));
  if ("problems" in parameters) {
    throw new UsageError(parameters.problems.map(({ message }) => message).join(" "));
  }
  const size = await sizeOf(file);
  const { viewer = { id: null } } = parseViewer(options.viewer);
  const {
    form,
    format = FORMATS[file.split(".").at(-1)?.toLowerCase() ?? ""],
    options: launching,
  } = parameters.value;
  if (format === undefined) {
    throw new UsageError(`${file} is neither .csv nor .jsonl; say --format csv or --format jsonl.`);
  }
  await withClient(context, async (powercrud) => {
    const model = modelNamed(powercrud, options.model);
    const opened = await powercrud.imports.open({
      viewer,
      form: { ...form, model, format },
      fileName: basename(file),
      options: launching,
    });
    const outcome =
      opened.kind === "LAUNCHED" ? await upload(context, powercrud, { file, size, opened, viewer }) : opened;
    await answerLaunch(context, powercrud, outcome as LaunchOutcome, options);
    if (outcome.kind === "LAUNCHED" && options.failed !== undefined) {
      const name = format === "CSV" ? "failed.csv" : "failed.jsonl";
      const rows = readFailedRows(powercrud.imports, outcome.task.id, name);
      await pipeline(Readable.from(rows), createWriteStream(options.failed));
    }
  });
}

interface FileUpload {
  readonly file: string;
  readonly size: number;
  readonly opened: Extract<LaunchOutcome, { kind: "LAUNCHED" }>;
  readonly viewer: { readonly id: string | null };
}

async function upload(
  context: CliContext,
  { imports }: PowerCrud,
  { file, size, opened, viewer }: FileUpload,
): Promise<ReceiveOutcome> {
  const bytes = createReadStream(file);
  // Read by whoever receives; without a listener an error would end the process before that.
  bytes.on("error", () => undefined);
  const display = showProgress(process.stderr, (line) => context.say(line), "sending", " bytes");
  bytes.on("data", () => display.update({ done: bytes.bytesRead, total: size }));
  try {
    const request = {
      taskId: opened.task.id,
      viewer,
      bytes: bytes as AsyncIterable<Uint8Array>,
      countReceived: () => bytes.bytesRead,
      stop: () => void bytes.destroy(),
    };
    return await (opened.isDuplicate ? imports.repeat(request) : imports.receive(request));
  } finally {
    display.end();
  }
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    (error: unknown) => {
      throw new UsageError(
        `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
    },
  );
}

function modelNamed({ imports: { models } }: PowerCrud, name: string): string {
  const names = models.all().map(({ apiName }) => apiName);
  const found = models.all().find(({ apiName }) => apiName === name);
  if (found === undefined) {
    const nearest = nearestName(name, names);
    throw new UsageError(
      `there is no model "${name}"; ${nearest === undefined ? `known are ${names.join(", ")}` : `did you mean ${nearest}?`}`,
    );
  }
  return found.name;
}

import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { PowerCrud } from "../../compose/create-powercrud.ts";
import type { CliContext } from "../cli-context.ts";
import type { ProgressDisplay } from "../show-progress.ts";
import { showProgress } from "../show-progress.ts";
import { parseJson, parseViewer } from "../usage.ts";
import { withClient } from "../with-client.ts";

/** The options of `powercrud export`. */
export interface ExportOptions {
  /** JSON in the form of the list's arguments. */
  readonly where?: string;
  readonly orderBy?: string;
  readonly search?: string;
  /** Columns, with commas between them. Default: all */
  readonly fields?: string;
  /** Default: as the name of the output ends, or else csv */
  readonly format?: "csv" | "jsonl";
  /** Default: standard output */
  readonly output?: string;
  /** False leaves cells as they are that a spreadsheet would run. Default: true */
  readonly escapeFormulas?: boolean;
  /** JSON of a viewer. Default: an anonymous one. */
  readonly viewer?: string;
}

/** `powercrud export`: writes records into a file. An export that fails leaves no file, and an earlier one as it was. */
export async function exportRecords(
  context: CliContext,
  model: string,
  options: ExportOptions,
): Promise<void> {
  const { where, orderBy, fields, search, output, escapeFormulas: areFormulasEscaped = true } = options;
  const { viewer = { id: null } } = parseViewer(options.viewer);
  const request = {
    model,
    search,
    where: where === undefined ? undefined : parseJson("--where", where),
    orderBy: orderBy === undefined ? undefined : parseJson("--order-by", orderBy),
    fields: fields?.split(",").map((field) => field.trim()),
  };
  const format = options.format ?? (output?.endsWith(".jsonl") === true ? "jsonl" : "csv");
  await withClient(context, async ({ exports }) => {
    const reading = exports.plan(viewer, request);
    const stream = await exports.write(reading, { format, areFormulasEscaped }, context.stopSignal);
    if (output === undefined) {
      await pipeline(Readable.from(stream.chunks), process.stdout, { end: false });
    } else {
      await writeFile(context, stream, resolve(output));
    }
  });
}

type OpenFile = Awaited<ReturnType<PowerCrud["exports"]["write"]>>;

async function writeFile(context: CliContext, { chunks, records }: OpenFile, file: string): Promise<void> {
  const display = showProgress(process.stderr, (line) => context.say(line), `export to ${basename(file)}`);
  const part = `${file}.part`;
  try {
    await pipeline(counted(chunks, records, display), createWriteStream(part));
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    display.end();
  }
  context.print(`exported ${records()} records to ${file}`);
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  records: () => number,
  display: ProgressDisplay,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    display.update({ done: records(), total: null });
    yield chunk;
  }
}

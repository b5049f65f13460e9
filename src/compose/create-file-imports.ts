import type { BulkPorts } from "../core/bulk/launch-bulk.ts";
import type { ImportStore } from "../core/imports/import-store.ts";
import type { Imports } from "../core/imports/imports.ts";
import { createImports } from "../core/imports/imports.ts";

import { readCsvRows } from "../adapters/imports/csv-rows.ts";
import { decodeText } from "../adapters/imports/decode-text.ts";
import { readJsonlRows } from "../adapters/imports/jsonl-rows.ts";
import type { ReadFileRows } from "../core/imports/file-rows.ts";
import type { Config } from "../config/config.ts";
import type { ViewerSessions } from "../core/access/viewer-sessions.ts";
import type { EngineWatch } from "./watch-engine.ts";
import { onBehalf } from "./on-behalf.ts";

/** What imports take of the engine's options. */
interface FileImportOptions {
  readonly config: Config;
  readonly sessions?: ViewerSessions | undefined;
  readonly watch?: EngineWatch;
}

/** Imports over the engine, within the settings' limits. What they read and write of the app is on behalf of who sends. */
export function createFileImports(
  launching: BulkPorts,
  store: ImportStore,
  { config, sessions, watch }: FileImportOptions,
): Imports {
  const { importMaxBytes, importMaxRows, importMaxRowLength, importWaitMs, leaseMs } = config;
  const limits = {
    maxBytes: importMaxBytes,
    maxRows: importMaxRows,
    maxRowLength: importMaxRowLength,
    waitMs: importWaitMs,
  };
  const imports = createImports({ ...launching, imports: store, readFile: readFileRows, limits, leaseMs });
  const open = onBehalf(sessions, (request: Parameters<Imports["open"]>[0]) => imports.open(request));
  return {
    ...imports,
    open: watch?.openImport(open) ?? open,
    receive: onBehalf(sessions, (upload: Parameters<Imports["receive"]>[0]) => imports.receive(upload)),
  };
}

/** Reads CSV and JSON Lines. */
const readFileRows: ReadFileRows = (bytes, { format, encoding, csv = {} }, limits) => {
  const pieces = decodeText(bytes, encoding, limits.maxBytes);
  return format === "CSV" ? readCsvRows(pieces, csv, limits) : readJsonlRows(pieces, limits);
};

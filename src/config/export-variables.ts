import { wholeNumber } from "./variable.ts";

/** The variables of exports. */
export const EXPORT_VARIABLES = {
  maxExports: wholeNumber({
    name: "POWERCRUD_MAX_EXPORTS",
    meaning:
      "How many exports one process sends at a time; each has a database connection of its own. More are refused with `Retry-After`.",
    fallback: 4,
    min: 1,
    max: 100,
  }),
  exportTimeoutMs: wholeNumber({
    name: "POWERCRUD_EXPORT_TIMEOUT_MS",
    meaning:
      "How long an export may take over HTTP, in ms; then the connection is broken off. `launchExport` has no such limit.",
    fallback: 600_000,
    min: 1,
    max: 86_400_000,
  }),
  exportRetentionMs: wholeNumber({
    name: "POWERCRUD_EXPORT_RETENTION_MS",
    meaning:
      "How long the file of `launchExport` can be fetched after its task has ended, in ms; then it is deleted. The default is a day.",
    fallback: 86_400_000,
    min: 1000,
    max: 31_536_000_000,
  }),
};

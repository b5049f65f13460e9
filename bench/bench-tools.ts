import type { BenchStores } from "./bench-stores.ts";

/** The arguments of every measurement. */
export interface BenchTools {
  readonly stores: BenchStores;
  /** The ids of 100,000 records to work on, in order. */
  readonly ids: readonly number[];
  /** The rows to measure, for a section that can measure some of them alone. Empty: all. */
  readonly rows: readonly string[];
}

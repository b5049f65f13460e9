import type { BenchStores } from "./bench-stores.ts";

/** What the measures work with. */
export interface BenchTools {
  readonly stores: BenchStores;
  /** The ids of the records that are worked on, 100,000 of them, in order. */
  readonly ids: readonly number[];
}

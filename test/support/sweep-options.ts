import type { SweepOptions } from "../../src/core/sweeper/sweep.ts";

/** No task of a test looks stranded. */
export const PATIENT: SweepOptions = {
  enqueueGraceMs: 60_000,
  beginGraceMs: 60_000,
  leaseMs: 60_000,
  cleanGraceMs: 60_000,
};

/** Every running attempt looks orphaned. */
export const ORPHANS_AT_ONCE: SweepOptions = { ...PATIENT, leaseMs: -1000 };

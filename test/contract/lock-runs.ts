import fc from "fast-check";

/** As many as fit the suite. A long run sets LOCK_RUNS, and LOCK_SEED to repeat what a failure printed. */
const DEFAULT_RUN_COUNT = 600;
const RUN_COUNT = Number(process.env["LOCK_RUNS"] ?? DEFAULT_RUN_COUNT);
const SEED = process.env["LOCK_SEED"];
/** Runs that go on at once, each with models of its own: most of a run is waiting for the store. */
const LANE_COUNT = 4;

/** For a test of that many runs on a slow machine. */
export const RUNS_TIMEOUT_MS = Math.max(30_000, RUN_COUNT * 100);

export interface LockRunsOptions extends Pick<fc.Parameters, "endOnFailure"> {
  /** Of the number of runs; less for a property whose runs take longer. Default: 1. */
  readonly share?: number;
}

/**
 * Checks a property of locks in many runs; on failure fast-check's report names the seed, the path and the shortest
 * run that fails.
 */
export async function checkInLanes<T>(
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => Promise<void>,
  { share = 1, ...options }: LockRunsOptions = {},
): Promise<void> {
  const lanes = SEED === undefined ? LANE_COUNT : 1;
  const parameters = {
    numRuns: Math.ceil((RUN_COUNT * share) / lanes),
    interruptAfterTimeLimit: Math.max(11_000, RUN_COUNT * 80),
    ...(SEED === undefined ? {} : { seed: Number(SEED) }),
    ...options,
  };
  await Promise.all(
    Array.from({ length: lanes }, () => fc.assert(fc.asyncProperty(arbitrary, check), parameters)),
  );
}

import fc from "fast-check";

/** The number of runs that fits the suite. LOCK_RUNS makes it longer; LOCK_SEED repeats a failed run. */
const DEFAULT_RUN_COUNT = 600;
const RUN_COUNT = Number(process.env["LOCK_RUNS"] ?? DEFAULT_RUN_COUNT);
const SEED = process.env["LOCK_SEED"];
/** Runs at the same time, each on its own models: a run mostly waits for the store. */
const LANE_COUNT = 4;

/** The timeout of a test with that many runs on a slow machine. */
export const RUNS_TIMEOUT_MS = Math.max(30_000, RUN_COUNT * 100);

export interface LockRunsOptions extends Pick<fc.Parameters, "endOnFailure"> {
  /** Share of the number of runs, for a property with long runs. Default: 1. */
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

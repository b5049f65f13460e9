import fc from "fast-check";

import { MIN_SHARED_RECORDS } from "../../src/core/bulk/bulk-definition.ts";
import type { TestBackend } from "./chaos-round.ts";

/** A bulk operation to be launched. */
export interface LaunchPlan {
  readonly operation: "UPDATE" | "UPDATE_EACH" | "UPSERT" | "CREATE" | "DELETE";
  readonly errorPolicy: "SKIP_FAILED" | "ALL_OR_NOTHING";
  readonly onConflict: "REJECT" | "SKIP" | "WAIT";
  readonly mode: "ASYNC" | "SYNC";
  /** Where among the cities it begins, in thousandths. */
  readonly from: number;
  readonly size: number;
  /** For an update, the increment of each record; otherwise 0. */
  readonly increment: number;
  /** 1 selects by a filter; otherwise by ids, at this interval. */
  readonly stride: number;
  /** How long after its launch it is cancelled; null for never. */
  readonly cancelAfterMs: number | null;
}

/** A write of one record. */
export interface SinglePlan {
  readonly kind: "UPDATE" | "CREATE";
  /** Which city, in millionths of the way through them. */
  readonly at: number;
}

const FAULTS_OF_ALL = [
  "KILL_WORKER",
  "KILL_SERVER",
  "KILL_SERVER",
  "PAUSE_WORKER",
  "PAUSE_SERVER",
  "DRAIN_WORKER",
  "DRAIN_SERVER",
  "POSTGRES_FAST",
  "POSTGRES_IMMEDIATE",
] as const;
const FAULTS_OF_REDIS = [
  "REDIS_FLUSHED",
  "REDIS_KEPT",
  "REDIS_LOST",
  "REDIS_STOPPED",
  "REDIS_PAUSED",
  "REDIS_RESTORED",
] as const;

export type FaultKind = (typeof FAULTS_OF_ALL)[number] | (typeof FAULTS_OF_REDIS)[number];

/** Something that strikes the deployment. */
export interface FaultPlan {
  readonly kind: FaultKind;
  /** The number of the process within its role. */
  readonly member: number;
  /** Since the fault before. */
  readonly afterMs: number;
  /** How long a pause lasts beyond the lease. */
  readonly beyondMs: number;
}

/** The steps of one round. They depend only on the seed; their times depend on the machine. */
export interface ChaosPlan {
  readonly launches: readonly LaunchPlan[];
  readonly singles: readonly SinglePlan[];
  readonly faults: readonly FaultPlan[];
}

/** More than any round uses. */
const MANY = 5000;

/** @param cycles how often each fault strikes */
export function makePlan(seed: number, backend: TestBackend, cycles: number): ChaosPlan {
  const kinds: FaultKind[] = [...FAULTS_OF_ALL, ...(backend === "redis" ? FAULTS_OF_REDIS : [])];
  const shuffled = fc.shuffledSubarray(kinds, { minLength: kinds.length, maxLength: kinds.length });
  const order = fc.sample(shuffled, { seed, numRuns: cycles }).flat();
  const details = fc.sample(
    fc.record({ member: fc.nat(5), afterMs: fc.integer({ min: 100, max: 900 }), beyondMs: fc.nat(1500) }),
    { seed, numRuns: order.length },
  );
  return {
    launches: fc.sample(launches, { seed, numRuns: MANY }),
    singles: fc.sample(singles, { seed, numRuns: MANY }),
    faults: details.map((detail, at) => ({ ...detail, kind: order[at] ?? "KILL_WORKER" })),
  };
}

const cancelAfterMs = fc.oneof(
  { weight: 4, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.nat(600) },
);
const anyLaunch = {
  errorPolicy: fc.constantFrom("SKIP_FAILED", "ALL_OR_NOTHING"),
  onConflict: fc.constantFrom("REJECT", "SKIP", "WAIT"),
  mode: fc.constantFrom("ASYNC", "ASYNC", "ASYNC", "ASYNC", "SYNC"),
  from: fc.nat(999),
  size: fc.integer({ min: 200, max: 8000 }),
  stride: fc.constantFrom(1, 1, 1, 7),
  cancelAfterMs,
} as const;
const increment = fc.integer({ min: 1, max: 9 });

const launches: fc.Arbitrary<LaunchPlan> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ ...anyLaunch, operation: fc.constant("UPDATE"), increment }) },
  {
    weight: 7,
    arbitrary: fc.record({
      ...anyLaunch,
      operation: fc.constantFrom("UPDATE_EACH", "UPSERT", "CREATE", "CREATE", "DELETE"),
      size: fc.integer({ min: 200, max: 3000 }),
      increment: fc.constant(0),
    }),
  },
  // Large enough to be shared among workers.
  {
    weight: 2,
    arbitrary: fc.record({
      ...anyLaunch,
      operation: fc.constant("UPDATE"),
      errorPolicy: fc.constant("SKIP_FAILED"),
      onConflict: fc.constant("WAIT"),
      mode: fc.constant("ASYNC"),
      from: fc.nat(499),
      size: fc.integer({ min: MIN_SHARED_RECORDS, max: 25_000 }),
      stride: fc.constant(1),
      increment,
    }),
  },
);

const singles: fc.Arbitrary<SinglePlan> = fc.record({
  kind: fc.constantFrom("UPDATE", "UPDATE", "UPDATE", "UPDATE", "CREATE"),
  at: fc.nat(999_999),
});

import type { Counts } from "./progress.ts";

/** What a column of counts, and an Int of GraphQL, can hold. */
const MAX_COUNT = 2_147_483_647;

/** Why it is no number of records, in words; undefined if it is one. @param name what is counted */
export function describeMiscount(name: string, count: unknown): string | undefined {
  return Number.isInteger(count) && (count as number) >= 0 && (count as number) <= MAX_COUNT
    ? undefined
    : `${name} must be a whole number from 0 to ${MAX_COUNT}, not ${String(count)}.`;
}

/** What is wrong with counts that code of the app gave, or with their sum; undefined if nothing is. */
export function describeMiscounts({ succeeded, failed, skipped }: Counts): string | undefined {
  return (
    describeMiscount("succeeded", succeeded) ??
    describeMiscount("failed", failed) ??
    describeMiscount("skipped", skipped) ??
    describeMiscount("the sum of the counts", succeeded + failed + skipped)
  );
}

import { counted } from "../../kernel/counted.ts";

/** More records than an operation may take. */
export interface Excess {
  /** How many there are; null for more than the limit. */
  readonly matched: number | null;
  /** What they are: they are selected. */
  readonly what: "given" | "selected" | "to be retried";
  readonly limit: number;
  /** The service's own limit; else it is the caller's. */
  readonly maxRecords: number;
}

/** Why so many are refused, in words. */
export function describeExcess({ matched, what, limit, maxRecords }: Excess): string {
  const found = matched === null ? `More than ${counted(limit, "record")}` : counted(matched, "record");
  const are = (matched ?? limit) === 1 ? "is" : "are";
  const allowed =
    limit === maxRecords
      ? `this service allows ${limit} in one operation`
      : `options.maxAffected allows ${limit}`;
  return `${found} ${are} ${what}; ${allowed}. Nothing was changed.`;
}

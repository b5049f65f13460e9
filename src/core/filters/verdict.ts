/**
 * What is known of a filter's answer without asking the database.
 * - EMPTY: it has no condition, so it is left out of the filter that it is part of.
 * - TRUE, FALSE: the answer for every record.
 * - UNFILLED: false for every record, but meant as "all": an OR whose conditions were not filled in.
 * - ASKS: the answer depends on the record.
 */
export interface Verdict {
  readonly value: "EMPTY" | "TRUE" | "FALSE" | "UNFILLED" | "ASKS";
  /** False where a record could be an exception: one whose column is null, or beyond what the API can name. */
  readonly isSure: boolean;
}

export const EMPTY: Verdict = { value: "EMPTY", isSure: true };
export const ALWAYS: Verdict = { value: "TRUE", isSure: true };
/** True for all records but exceptions. */
export const LIKELY: Verdict = { value: "TRUE", isSure: false };
export const NEVER: Verdict = { value: "FALSE", isSure: true };
export const UNFILLED: Verdict = { value: "UNFILLED", isSure: true };
export const ASKS: Verdict = { value: "ASKS", isSure: true };

/** That all of them hold. */
export function allVerdicts(verdicts: readonly Verdict[]): Verdict {
  const parts = verdicts.filter(({ value }) => value !== "EMPTY");
  if (parts.length === 0) {
    return EMPTY;
  }
  if (parts.some(isFalse)) {
    // An OR that was not filled in matches nothing, so beside a real condition it selects no record unseen.
    const isUnfilled = parts.every(({ value }) => value === "UNFILLED" || value === "TRUE");
    const isSure = parts.some((part) => isFalse(part) && part.isSure);
    return { value: isUnfilled ? "UNFILLED" : "FALSE", isSure };
  }
  return parts.some(({ value }) => value === "ASKS")
    ? ASKS
    : { value: "TRUE", isSure: parts.every(({ isSure }) => isSure) };
}

/** That at least one of them holds. Empty ones are left out, but leave a doubt. */
export function anyVerdict(verdicts: readonly Verdict[]): Verdict {
  const parts = verdicts.filter(({ value }) => value !== "EMPTY");
  const truths = parts.filter(({ value }) => value === "TRUE");
  if (truths.length > 0) {
    return { value: "TRUE", isSure: truths.some(({ isSure }) => isSure) };
  }
  if (parts.some(({ value }) => value === "ASKS")) {
    return parts.length < verdicts.length ? LIKELY : ASKS;
  }
  const isUnfilled = parts.length < verdicts.length || parts.every(({ value }) => value === "UNFILLED");
  return { value: isUnfilled ? "UNFILLED" : "FALSE", isSure: parts.every(({ isSure }) => isSure) };
}

/** That it does not hold. The opposite of a condition that asks nothing was hardly meant, so it counts as not filled in. */
export function notVerdict({ value, isSure }: Verdict): Verdict {
  switch (value) {
    case "EMPTY":
    case "ASKS":
      return { value, isSure };
    case "TRUE":
      return { value: "UNFILLED", isSure };
    case "FALSE":
    case "UNFILLED":
      return { value: "TRUE", isSure };
  }
}

/** Whether no record matches. */
export function isFalse({ value }: Verdict): boolean {
  return value === "FALSE" || value === "UNFILLED";
}

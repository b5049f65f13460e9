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
const UNFILLED: Verdict = { value: "UNFILLED", isSure: true };
export const ASKS: Verdict = { value: "ASKS", isSure: true };

/** That all of them hold. */
export function allVerdicts(verdicts: readonly Verdict[]): Verdict {
  const parts = verdicts.filter(({ value }) => value !== "EMPTY");
  const unfilled = parts.find(({ value }) => value === "UNFILLED");
  if (parts.length === 0 || unfilled !== undefined) {
    return unfilled ?? EMPTY;
  }
  const falsehoods = parts.filter(({ value }) => value === "FALSE");
  if (falsehoods.length > 0) {
    return { value: "FALSE", isSure: falsehoods.some(({ isSure }) => isSure) };
  }
  return parts.some(({ value }) => value === "ASKS")
    ? ASKS
    : { value: "TRUE", isSure: parts.every(({ isSure }) => isSure) };
}

/** That at least one of them holds. Those without conditions are left out, but then it may be meant as "all". */
export function anyVerdict(verdicts: readonly Verdict[]): Verdict {
  const parts = verdicts.filter(({ value }) => value !== "EMPTY" && value !== "UNFILLED");
  if (parts.length === 0) {
    return UNFILLED;
  }
  const truths = parts.filter(({ value }) => value === "TRUE");
  if (truths.length > 0) {
    return { value: "TRUE", isSure: truths.some(({ isSure }) => isSure) };
  }
  if (parts.some(({ value }) => value === "ASKS")) {
    return verdicts.some(({ value }) => value === "EMPTY") ? LIKELY : ASKS;
  }
  return { value: "FALSE", isSure: parts.every(({ isSure }) => isSure) };
}

/** That it does not hold. */
export function notVerdict({ value, isSure }: Verdict): Verdict {
  switch (value) {
    case "UNFILLED":
      return EMPTY;
    case "TRUE":
      // In doubt it counts as a filter that asks nothing.
      return isSure ? NEVER : LIKELY;
    case "FALSE":
      return { value: "TRUE", isSure };
    case "EMPTY":
    case "ASKS":
      return { value, isSure };
  }
}

import type { ErrorCode } from "../../kernel/error-codes.ts";

/** Why a value or a record cannot be accepted, in words for the caller. */
export interface RecordProblem {
  readonly code: ErrorCode;
  readonly message: string;
  /** The field at fault, if there is one: `name`, `options.label`, `data.0.code`. */
  readonly field?: string;
}

/** What a parser returns: the value, or every problem found in the input. It never throws for bad input. */
export type Parsed<T> = { readonly value: T } | { readonly problems: readonly RecordProblem[] };

/** Input of the right shape with an impossible value, or refused by the database's rules. Nothing was changed. */
export interface ValidationRefusal {
  readonly kind: "INVALID";
  readonly message: string;
  /** One per field at fault. The first one's code is the refusal's code. */
  readonly problems: readonly RecordProblem[];
}

/** A problem with the input. @param field left out where no single field is at fault */
export function problem(
  message: string,
  field?: string,
  code: ErrorCode = "VALIDATION_FAILED",
): RecordProblem {
  return field === undefined ? { code, message } : { code, message, field };
}

/** The refusal for one problem with one field. */
export function invalidField(field: string, message: string): ValidationRefusal {
  return invalid([problem(message, field)]);
}

/** The refusal for these problems. @param message by default the problems' messages, one after the other */
export function invalid(
  problems: readonly RecordProblem[],
  message = problems.map((each) => each.message).join(" "),
): ValidationRefusal {
  return { kind: "INVALID", message, problems };
}
